"""Judges the books of BtcTurk: their numbers, their levels, their beginnings."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from services.operator.probe.btcturk.second import DELETED, SIDES, WINDOW, BtcturkReading
from services.operator.probe.digits import Digits
from services.operator.probe.facts import Fact
from services.operator.probe.levels import DecimalBook
from services.operator.probe.record import REST
from services.operator.probe.table import AssumptionTable

ADDED: Final = 1
RESYNC_NS: Final = 2_000_000_000
AROUND_NS: Final = 3_000_000_000

_Key = tuple[str, str]


@dataclass(slots=True)
class _Waiting:
    """A book that must turn up among the states of a pair on one socket."""

    row: str
    key: _Key
    book: DecimalBook
    ts: int


class BtcturkBooks:
    """Judges every book and every change."""

    def __init__(self, table: AssumptionTable, reading: BtcturkReading) -> None:
        """Start with nothing seen."""
        self._table = table
        self._reading = reading
        self._digits = Digits(table, "T30")
        self._joined: dict[_Key, int] = {}  # the time of a join whose book has not begun
        self._left: set[_Key] = set()
        self._fresh: set[_Key] = set()  # books without a change since they began
        self._numbers: dict[_Key, int] = {}
        self._waiting: deque[_Waiting] = deque()
        self._judges: dict[str, Callable[[Fact], None]] = {
            "sent": self._sent, "snapshot": self._snapshot, "event": self._event, REST: self._rest,
        }  # fmt: skip

    def see(self, fact: Fact) -> None:
        """Judge one fact."""
        if judge := self._judges.get(fact.kind):
            judge(fact)
        self._meet(fact.ts)

    def finish(self) -> None:
        """Judge what never came; note the measurements."""
        self._digits.finish()
        for key in sorted(self._left & self._joined.keys()):
            self._table.differ("T11", f"{key}: nothing came")

    def _sent(self, fact: Fact) -> None:
        for channel, pair, join in read_asked(fact.record.text):
            if channel != "obdiff":
                continue
            key = fact.door, pair
            if not join:
                self._left.add(key)
            elif key not in self._numbers or key in self._left:
                self._joined[key] = fact.ts
                self._numbers.pop(key, None)

    def _snapshot(self, fact: Fact) -> None:
        key, number = (fact.door, fact.market), fact.body["CS"]
        assert fact.other is not None
        asked = self._joined.pop(key, None)
        self._table.judge("T13", f"{key}: {number}", holds=asked is not None)
        if asked is not None and key in self._left:
            self._left.discard(key)
            took = fact.ts - asked
            self._table.judge("T11", f"{key}: after {took / 1e9:.1f} s", holds=took <= RESYNC_NS)
            self._wait_for_other("T12", fact)
        elif asked is not None:
            self._table.agree("T4")
        for (door, pair), other in self._numbers.items():
            if pair == fact.market and door != fact.door:
                self._table.judge("T7", f"{pair}: {number} on both", holds=other != number)
        self._numbers[key] = number
        self._fresh.add(key)
        self._sides(fact, "P", "A")

    def _wait_for_other(self, row: str, fact: Fact) -> None:
        """Compare a book with that of another socket, now or a little later."""
        for door, pair in self._reading.books:
            if pair == fact.market and door != fact.door:
                assert fact.other is not None
                other = fact.other.copy()
                self._waiting.append(_Waiting(row, (door, pair), other, fact.ts))
                return

    def _event(self, fact: Fact) -> None:
        key, number = (fact.door, fact.market), fact.body["CS"]
        where = f"{key}: {number} after {fact.last}"
        if key in self._joined:
            if key not in self._left:  # after a leave, changes from before it may still arrive
                self._table.differ("T4", f"{key}: {number} before its 431")
        elif fact.last is not None:
            row = "T5" if key in self._fresh else "T6"
            self._table.judge(row, where, holds=number == fact.last + 1)
        self._fresh.discard(key)
        self._numbers[key] = number
        self._sides(fact, "P", "A")
        if fact.book is None or fact.other is None:
            return
        self._kinds(fact, fact.other)
        bid, ask = fact.book.touch()
        is_open = bid is None or ask is None or bid < ask
        self._table.judge("T16", f"{key}: bid {bid}, ask {ask}", holds=is_open)
        for side, levels in fact.book.sides.items():
            example = f"{key}: {len(levels)} {side}"
            self._table.judge("T10", example, holds=len(levels) <= WINDOW)

    def _kinds(self, fact: Fact, before: DecimalBook) -> None:
        for theirs, side in SIDES.items():
            levels = before.sides[side]
            for one in fact.body[theirs]:
                known = levels.get(Decimal(one["P"]))
                is_new = known is None
                self._table.judge("T8", f"{one} for {known}", holds=is_new == (one["CP"] == ADDED))
                if one["CP"] == DELETED and known is not None:
                    self._table.judge("T9", f"{one} for {known}", holds=Decimal(one["A"]) == known)

    def _sides(self, fact: Fact, price: str, size: str) -> None:
        for theirs in SIDES:
            levels: list[Any] = fact.body[theirs]
            prices = {Decimal(one[price]) for one in levels}
            example = f"{fact.market} {fact.body['CS']}: {theirs}"
            self._table.judge("T15", example, holds=len(prices) == len(levels))
            for one in levels:
                self._digits.see(one[price], one[size])

    def _rest(self, fact: Fact) -> None:
        if fact.other is not None and fact.book is not None:
            key = self._reading.homes[fact.market], fact.market
            self._waiting.append(_Waiting("T14", key, fact.other, fact.ts))

    def _meet(self, ts: int) -> None:
        """Judge each book that has turned up, or whose time has run out."""
        while self._waiting and self._waiting[0].ts + AROUND_NS < ts:
            one = self._waiting.popleft()
            states = self._reading.states.get(one.key)
            if states:
                near = [book for at, book in states if at <= one.ts + AROUND_NS]
                is_met = any(book.sides == one.book.sides for book in near)
                self._table.judge(one.row, f"{one.key}", holds=is_met)


def read_asked(text: str) -> list[tuple[str, str, bool]]:
    """Return channel and event of our message, and whether it is a join."""
    number, body = json.loads(text)
    return [(body["channel"], body["event"], body["join"])] if number == 151 else []  # noqa: PLR2004
