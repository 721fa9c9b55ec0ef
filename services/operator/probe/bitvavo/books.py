"""Judges the books of Bitvavo: their numbers, their sizes, their times."""

import statistics
from collections import Counter, OrderedDict, deque
from decimal import Decimal
from typing import Any, Final

from services.operator.probe.bitvavo.second import DEPTH, BitvavoReading
from services.operator.probe.digits import Digits
from services.operator.probe.facts import Fact
from services.operator.probe.levels import DecimalBook
from services.operator.probe.table import AssumptionTable

NS_PER_S: Final = 1_000_000_000
TIMES: Final = range(10**18, 4 * 10**18)  # ns from 2001 to 2096
EVENTS_KEPT: Final = 20_000  # of one socket, until the other has brought them too
AGES_KEPT: Final = 100_000
SIDES: Final = ("bids", "asks")


class BitvavoBooks:
    """Judges every event and every snapshot."""

    def __init__(self, table: AssumptionTable, _reading: BitvavoReading) -> None:
        """Start with nothing seen."""
        self._table = table
        self._digits = Digits(table, "B12")
        self._times: dict[tuple[str, str], int] = {}
        self._ages: deque[float] = deque(maxlen=AGES_KEPT)
        self._reach: dict[str, float] = {}
        self._full: Counter[str] = Counter()
        self._bytes: OrderedDict[tuple[str, int], tuple[str, str]] = OrderedDict()
        self._waiting: dict[str, DecimalBook] = {}  # books over REST whose nonce is still to come

    def see(self, fact: Fact) -> None:
        """Judge one fact."""
        if fact.kind == "event":
            self._step(fact)
            self._event(fact)
            self._time(fact)
            self._meet(fact)
        elif fact.kind == "snapshot":
            self._snapshot(fact)
        if fact.other is not None and fact.kind == "rest":
            self._waiting[fact.market] = fact.other
        if fact.market in self._waiting and fact.door in ("a", "rest"):
            self._compare_rest(fact)

    def _step(self, fact: Fact) -> None:
        nonce = fact.body["nonce"]
        if fact.last is None:
            return
        where = f"{fact.market} on {fact.door}: {nonce} after {fact.last}"
        self._table.judge("B28", where, holds=nonce != fact.last)
        if nonce != fact.last:
            self._table.judge("B5", where, holds=nonce == fact.last + 1)

    def _event(self, fact: Fact) -> None:
        where = f"{fact.market} {fact.body['nonce']}"
        for side in SIDES:
            levels = fact.body[side]
            prices = {Decimal(price) for price, _ in levels}
            self._table.judge("B9", f"{where}: {side}", holds=len(prices) == len(levels))
            for pair in levels:
                self._digits.see(*pair)
        self._table.judge("B10", where, holds=any(fact.body[side] for side in SIDES))
        if fact.book is not None:
            bid, ask = fact.book.touch()
            is_open = bid is None or ask is None or bid < ask
            self._table.judge("B11", f"{where}: bid {bid}, ask {ask}", holds=is_open)

    def _time(self, fact: Fact) -> None:
        time, key = fact.body.get("timestamp"), (fact.door, fact.market)
        is_known = isinstance(time, int) and time in TIMES
        self._table.judge("B13", f"{fact.market}: {time!r}", holds=is_known)
        if not is_known:
            return
        before = self._times.get(key)
        if before is not None:
            self._table.judge("B14", f"{fact.market}: {time} after {before}", holds=time >= before)
        self._times[key] = time
        self._ages.append((fact.ts - time) / 1e6)

    def _meet(self, fact: Fact) -> None:
        """Compare an event with that of the same nonce on another socket."""
        key = fact.market, fact.body["nonce"]
        met = self._bytes.setdefault(key, (fact.door, fact.record.text))
        if met[0] != fact.door:
            self._table.judge("B30", f"{key}", holds=met[1] == fact.record.text)
        if len(self._bytes) > EVENTS_KEPT:
            self._bytes.popitem(last=False)

    def _snapshot(self, fact: Fact) -> None:
        assert fact.other is not None
        nonce = fact.other.sequence
        self._table.agree("B3")
        if fact.last is not None:
            where = f"{fact.market}: {nonce}, and {fact.last} was sent"
            self._table.judge("B4", where, holds=nonce == fact.last)
        for side in SIDES:
            count = len(fact.body[side])
            self._full[fact.market] += count >= DEPTH
            self._table.judge("B6", f"{fact.market}: {count} {side}", holds=count <= DEPTH)
            for pair in fact.body[side]:
                self._digits.see(*pair)
        self._note_reach(fact.market, fact.body)
        if fact.book is not None and fact.book.sequence == nonce:
            self._compare("B7", fact.market, fact.book, fact.other)

    def _note_reach(self, market: str, body: Any) -> None:
        """Note how many markets fill the list of levels, and how far from the touch it ends."""
        for side in SIDES:
            levels = body[side]
            if len(levels) >= DEPTH:
                best, worst = Decimal(levels[0][0]), Decimal(levels[-1][0])
                self._reach[f"{market} {side}"] = float(abs(worst / best - 1) * 100)
        reach = sorted(self._reach.values())
        text = f", ends {reach[0]:.1f} to {reach[-1]:.1f} % away" if reach else ""
        full = sum(1 for count in self._full.values() if count)
        self._table.note("B6", f"{full} of {len(self._full)} markets full{text}")

    def _compare_rest(self, fact: Fact) -> None:
        other, own = self._waiting[fact.market], fact.book
        if own is None or (own.sequence or 0) > (other.sequence or 0):
            del self._waiting[fact.market]  # too late to compare
        elif own.sequence == other.sequence:
            del self._waiting[fact.market]
            _, found = own.differences(other)
            self._table.judge("B8", f"{fact.market}: {found[:1]}", holds=not found)

    def _compare(self, name: str, market: str, own: DecimalBook, other: DecimalBook) -> None:
        compared, found = own.differences(other)
        self._table.agree(name, compared - len(found))
        for example in found:
            self._table.differ(name, f"{market} {other.sequence} {example}")

    def finish(self) -> None:
        """Note the measurements."""
        self._digits.finish()
        if self._ages:
            ages = statistics.quantiles([*self._ages, self._ages[0]], n=20)
            self._table.note("B13", f"{ages[0]:.0f} to {ages[-1]:.0f} ms old (5 to 95 %)")
