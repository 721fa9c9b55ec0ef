"""Judges the costs of requests to Bitvavo, those for lists of trades included."""

from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from services.operator.probe.bitvavo.second import BitvavoReading
from services.operator.probe.facts import Fact
from services.operator.probe.record import REST
from services.operator.probe.table import AssumptionTable

LIST_POINTS: Final = 5
MINUTE_MS: Final = 60_000
BANNED: Final = frozenset({105, 110})
REMAINING, RESET_AT = "bitvavo-ratelimit-remaining", "bitvavo-ratelimit-resetat"


class BitvavoCosts:
    """Judges answers over REST, and the rest of the points that their headers report."""

    def __init__(self, table: AssumptionTable, _reading: BitvavoReading) -> None:
        """Start without an answer."""
        self._table = table
        self._before: tuple[str, int] | None = None  # the minute, and the points left in it
        self._pending = 0  # questions over sockets without an answer yet
        self._answered = 0  # questions answered since the last answer over REST
        self._was_clear = False  # whether no question was on its way then
        self._costs: list[int] = []
        self._lists: dict[str, list[str]] = {}

    def see(self, fact: Fact) -> None:
        """Judge one fact."""
        if fact.kind == "sent" and '"getBook"' in fact.record.text:
            self._pending += 1
        elif fact.kind == "snapshot" or (fact.kind == "error" and "getBook" in fact.record.text):
            self._pending -= 1
            self._answered += 1
        elif fact.kind in ("closed", "lost"):
            self._pending, self._was_clear = 0, False
        elif fact.kind == REST:
            is_list = fact.record.path.split("?")[0].endswith("/trades")
            if is_list:
                self._list(fact)
            self._headers(fact, is_list=is_list)

    def finish(self) -> None:
        """Judge the cost of a list: other requests from this address make it look dearer."""
        if self._costs:
            cost = min(self._costs)
            self._table.judge("B22", f"{cost} points", holds=cost == LIST_POINTS)
            self._table.note("B22", f"{cost} points")

    def _headers(self, fact: Fact, *, is_list: bool) -> None:
        headers, before, answered = fact.record.headers, self._before, self._answered
        is_clear = self._was_clear and not self._pending
        self._before, self._answered, self._was_clear = None, 0, not self._pending
        if REMAINING not in headers or RESET_AT not in headers:
            return
        until, left = headers[RESET_AT], int(headers[REMAINING])
        self._table.judge("B24", until, holds=int(until) % MINUTE_MS == 0)
        self._before = until, left
        if before is None or before[0] != until or not is_clear:
            return  # another minute, or the exchange may not have counted a question yet
        spent = before[1] - left
        if is_list and not answered:
            self._costs.append(spent)
        elif answered and not is_list:
            example = f"{spent} points for {answered} questions and one over REST"
            self._table.judge("B23", example, holds=spent > answered)
            self._table.note("B23", example)

    def _list(self, fact: Fact) -> None:
        query = parse_qs(urlsplit(fact.record.path).query)
        since = query.get("tradeIdFrom", [""])[0]
        known = self._lists.get(fact.market, [])
        body: Any = fact.body
        if since and since not in known:
            code = body.get("errorCode") if isinstance(body, dict) else None
            is_harmless = fact.record.status < 500 and code not in BANNED  # noqa: PLR2004 (of HTTP)
            is_harmless = is_harmless and fact.record.status != 429  # noqa: PLR2004 (of HTTP)
            what = f"{len(body)} trades" if isinstance(body, list) else fact.record.text[:60]
            self._table.judge("B21", f"{fact.record.status} {what}", holds=is_harmless)
            self._table.note("B21", f"the last: {fact.record.status} {what}")
        elif isinstance(body, list) and body:
            times = [row["timestamp"] for row in body]
            ids = [row["id"] for row in body]
            is_newest_first = times == sorted(times, reverse=True)
            if not since:
                self._lists[fact.market] = ids
            elif since in known:
                example = f"{fact.market} from {since}: {ids[:1]} to {ids[-1:]}"
                self._table.judge("B20", example, holds=is_newest_first and ids[-1] == since)
