"""Judges BtcTurk's market data: tickers and trades against its books, and against REST."""

from collections import Counter, deque
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from services.operator.probe.btcturk.second import BtcturkReading
from services.operator.probe.facts import Fact
from services.operator.probe.record import REST
from services.operator.probe.silence import BookSilence
from services.operator.probe.table import AssumptionTable
from services.operator.probe.touches import PendingTickers, judge_side

WITHIN_NS: Final = 1_000_000_000
TRADE_LOOK_NS: Final = 2_000_000_000
CADENCE_S: Final = 2.0
LIST_LENGTH: Final = 50
IDS_KEPT: Final = 1000  # of a pair
TOUCH: Final = {"bids": "B", "asks": "A"}


class BtcturkMarketData:
    """Judges tickers and trades of every socket."""

    def __init__(self, table: AssumptionTable, reading: BtcturkReading) -> None:
        """Start with nothing seen."""
        self._table = table
        self._reading = reading
        self._silence = BookSilence(table, "T29")
        self._pending = PendingTickers(table, "T23", WITHIN_NS)
        self._ids: dict[str, deque[int]] = {}
        self._listed: set[str] = set()
        self._followed = 0
        self._last: dict[str, int] = {}  # 401 of each socket
        self._apart: list[float] = []
        self._forms: Counter[str] = Counter()

    def see(self, fact: Fact) -> None:
        """Judge one fact."""
        self._pending.settle_due(fact.ts)
        if fact.kind == "401":
            self._tickers(fact)
        elif fact.kind == "421":
            self._list(fact)
        elif fact.kind == "422":
            self._trade(fact)
        elif fact.kind == "event" and self._reading.homes.get(fact.market) == fact.door:
            self._silence.book(fact.market, fact.ts)
        elif fact.kind == REST and "/trades" in fact.record.path:
            self._compare(fact)
        elif fact.kind in ("closed", "lost"):
            self._last.pop(fact.door, None)

    def finish(self) -> None:
        """Note the measurements."""
        self._silence.finish()
        self._table.note("T18", f"{self._followed} trades after them")
        if self._apart:
            self._table.note("T22", f"{min(self._apart):.2f} to {max(self._apart):.2f} s apart")
        if self._forms:
            forms = ", ".join(f"{count} {form}" for form, count in self._forms.most_common())
            self._table.note("T24", forms)

    def _tickers(self, fact: Fact) -> None:
        trading = {pair for pair, status in self._reading.pairs.items() if status == "TRADING"}
        named = {item["PS"] for item in fact.body["items"]}
        missing = sorted(trading - named)
        self._table.judge("T21", f"{len(missing)} are missing: {missing[:3]}", holds=not missing)
        before, self._last[fact.door] = self._last.get(fact.door), fact.ts
        if before is not None:
            self._apart.append((fact.ts - before) / 1e9)
            example = f"{self._apart[-1]:.1f} s"
            self._table.judge("T22", example, holds=self._apart[-1] <= CADENCE_S)
        for item in fact.body["items"]:
            self._ticker(fact, item)

    def _ticker(self, fact: Fact, item: Any) -> None:
        pair = item["PS"]
        prices = {side: self._said(pair, item[name]) for side, name in TOUCH.items()}
        self._silence.ticker(pair, fact.ts, tuple(prices.values()))
        book = self._reading.find_book(pair)
        if book is not None:
            self._pending.add(pair, fact.ts, book, prices)

    def _said(self, pair: str, value: Any) -> Decimal | None:
        """Return the price, or None for an empty side in any form."""
        try:
            price = Decimal(value) if value else Decimal(0)
        except InvalidOperation:
            self._table.differ("T24", f"{pair}: {value!r}")
            return None
        if price == 0:
            self._forms[repr(value)] += 1
            self._table.agree("T24")
            return None
        return price

    def _list(self, fact: Fact) -> None:
        items = fact.body["items"]
        times = [int(item["D"]) for item in items]
        is_newest_first = times == sorted(times, reverse=True)
        example = f"{fact.market}: {len(items)}, {times[:1]} to {times[-1:]}"
        holds = len(items) == LIST_LENGTH and is_newest_first
        self._table.judge("T18", example, holds=holds)
        self._listed.add(fact.market)
        if fact.market not in self._ids:
            ids = sorted(int(item["I"]) for item in items)
            self._ids[fact.market] = deque(ids, IDS_KEPT)

    def _trade(self, fact: Fact) -> None:
        self._followed += fact.market in self._listed
        known, number = (
            self._ids.setdefault(fact.market, deque(maxlen=IDS_KEPT)),
            int(fact.body["I"]),
        )
        if known:
            example = f"{fact.market}: {number} after {known[-1]}"
            self._table.judge("T19", example, holds=number > known[-1])
            self._table.note("T19", f"the last step {number - known[-1]}")
        known.append(number)
        book = self._reading.find_book(fact.market)
        if book is not None:
            judge_side(
                self._table, "T17", book.touches_between(fact.ts - TRADE_LOOK_NS, fact.ts),
                is_buy=fact.body["S"] == 1, price=Decimal(fact.body["P"]),
                example=fact.record.text,
            )  # fmt: skip

    def _compare(self, fact: Fact) -> None:
        """Find the answer's trades among those of the socket, from the socket's first on."""
        known = self._ids.get(fact.market)
        if not known or not isinstance(fact.body, list):
            return
        for row in fact.body:
            if known[0] <= int(row["tid"]) <= known[-1] or len(str(known[0])) != len(row["tid"]):
                example = f"{fact.market}: {row['tid']} is none of the socket's"
                self._table.judge("T20", example, holds=int(row["tid"]) in known)
