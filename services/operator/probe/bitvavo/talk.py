"""Judges Bitvavo's talk: handshakes, subscriptions, refusals."""

from collections import defaultdict
from typing import Any, Final

import msgspec

from services.operator.probe.bitvavo.second import BitvavoReading
from services.operator.probe.facts import Fact
from services.operator.probe.record import REST
from services.operator.probe.table import AssumptionTable

STATUSES: Final = frozenset({"trading", "halted", "auction", "auctionMatching", "cancelOnly"})
BAD_NAME: Final = "NOPE-EUR"
RECONNECTS: Final = "c"  # doors that are opened one right after the other
CHANNELS: Final = {"event": "book", "trade": "trades", "ticker": "ticker"}
SILENT_NS: Final = 1_000_000_000
HALTED: Final = 431
UNKNOWN_PATH: Final = "/no-such-path"

_Name = tuple[str, str]  # channel and market


class BitvavoTalk:
    """Judges requests by their answers."""

    def __init__(self, table: AssumptionTable, _reading: BitvavoReading) -> None:
        """Start with nothing asked."""
        self._table = table
        self._asked: dict[str, set[_Name]] = defaultdict(set)
        self._last_asked: dict[str, set[_Name]] = {}
        self._listed: dict[str, set[_Name]] = defaultdict(set)
        self._begun: set[tuple[str, _Name]] = set()
        self._ended: dict[tuple[str, _Name], int] = {}
        self._bad: set[str] = set()
        self._statuses: dict[str, str] = {}

    def see(self, fact: Fact) -> None:
        """Judge one fact."""
        if fact.kind == "sent":
            self._sent(fact, msgspec.json.decode(fact.record.text))
        elif fact.kind in ("subscribed", "unsubscribed"):
            self._acknowledged(fact)
        elif fact.kind in CHANNELS:
            self._event(fact, (CHANNELS[fact.kind], fact.market))
        elif fact.kind == "error":
            self._error(fact)
        elif fact.kind in ("opened", "refused", "closed", "lost"):
            self._door(fact)
        elif fact.kind == "snapshot" and self._is_still(fact.market):
            self._table.differ("B33", f"{fact.market} was answered")
        elif fact.kind == REST:
            self._take_answer(fact)

    def finish(self) -> None:
        """Note nothing more."""

    def _is_still(self, market: str) -> bool:
        return self._statuses.get(market, "trading") != "trading"

    def _door(self, fact: Fact) -> None:
        if fact.kind in ("opened", "refused"):
            name = "B31" if fact.door.startswith(RECONNECTS) else "B1"
            example = f"{fact.record.status} {fact.record.text}"
            self._table.judge(name, example, holds=fact.kind == "opened")
        else:
            self._asked.pop(fact.door, None)
            self._listed.pop(fact.door, None)

    def _sent(self, fact: Fact, asked: Any) -> None:
        names = {
            (channel["name"], market)
            for channel in asked.get("channels", [])
            for market in channel["markets"]
        }
        if asked["action"] == "subscribe":
            self._bad.discard(fact.door)  # the exchange left the one before unanswered
            if any(market == BAD_NAME for _, market in names):
                self._bad.add(fact.door)
            for name in names:
                self._judge_ended(fact, name)
            self._last_asked[fact.door] = names - self._asked[fact.door]
            self._asked[fact.door] |= names
        elif asked["action"] == "unsubscribe":
            self._last_asked[fact.door] = names
            self._asked[fact.door] -= names

    def _judge_ended(self, fact: Fact, name: _Name) -> None:
        """Count a name as ended in order, if it has been silent since for long enough."""
        ended = self._ended.pop((fact.door, name), None)
        if ended is not None and fact.ts - ended >= SILENT_NS:
            self._table.agree("B27")

    def _acknowledged(self, fact: Fact) -> None:
        listed = {(channel, market) for channel, names in fact.body.items() for market in names}
        if fact.kind == "unsubscribed":
            for name in self._last_asked.get(fact.door, set()) - listed:
                self._ended[fact.door, name] = fact.ts
        elif fact.door in self._bad:
            self._bad.discard(fact.door)
            self._table.differ("B26", f"it was acknowledged: {fact.record.text}")
        else:
            for missing in sorted(self._asked[fact.door] - listed)[:1]:
                self._table.differ("B2", f"{missing} is not in the acknowledgement")
            self._table.agree("B2", len(listed))
            for market in sorted({market for _, market in listed if self._is_still(market)}):
                self._table.agree("B34", 1)
                self._table.note("B34", f"{market} is {self._statuses[market]}")
        self._listed[fact.door] = listed

    def _event(self, fact: Fact, name: _Name) -> None:
        key = fact.door, name
        if self._ended.pop(key, None) is not None:
            self._table.differ("B27", f"{name} came after its end: {fact.record.text}")
        elif key not in self._begun:
            self._begun.add(key)
            is_listed = name in self._listed[fact.door]
            self._table.judge("B29", f"{name} came before", holds=is_listed)

    def _error(self, fact: Fact) -> None:
        action, code = fact.body.get("action"), fact.body["errorCode"]
        if action == "getBook":
            if self._is_still(fact.market):
                self._table.judge("B33", fact.record.text, holds=code == HALTED)
            else:
                self._table.judge("B3", fact.record.text, holds=code == HALTED)
        elif fact.door in self._bad:
            self._bad.discard(fact.door)
            self._table.judge("B26", fact.record.text, holds=fact.market == BAD_NAME)
            self._asked[fact.door] -= self._last_asked.get(fact.door, set())
        elif action == "subscribe":
            self._asked[fact.door] -= self._last_asked.get(fact.door, set())
            if self._is_still(fact.market):
                self._table.differ("B34", fact.record.text)
            elif not fact.market:
                self._table.differ("B2", fact.record.text)

    def _take_answer(self, fact: Fact) -> None:
        if fact.record.path == "/markets" and isinstance(fact.body, list):
            self._statuses = {row["market"]: row["status"] for row in fact.body}
            for market, status in self._statuses.items():
                self._table.judge("B32", f"{market}: {status}", holds=status in STATUSES)
            still = sum(map(self._is_still, self._statuses))
            self._table.note("B32", f"{still} not trading")
        elif fact.record.path == UNKNOWN_PATH:
            code = fact.record.status
            is_refusal = code in range(400, 500) and code != 429  # noqa: PLR2004 (of HTTP)
            said = f"{code} {' '.join(fact.record.text.split())[:60]}"
            self._table.judge("B36", said, holds=is_refusal)
            self._table.note("B36", said)
