"""Reads BtcTurk a second time, in decimals and dictionaries, without the feed's own code."""

import json
from collections import Counter, deque
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from services.operator.probe.facts import Fact
from services.operator.probe.levels import DecimalBook
from services.operator.probe.record import REST, ProbeRecord

WINDOW: Final = 100
STATES_NS: Final = 7_000_000_000
DELETED: Final = 3
SIDES: Final = {"BO": "bids", "AO": "asks"}
PAIRS_PATH: Final = "/api/v2/server/exchangeinfo"


class BtcturkReading:
    """Reads BtcTurk's messages into books of its own."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self.open: set[str] = set()
        self.pairs: dict[str, str] = {}  # and their statuses
        self.books: dict[tuple[str, str], DecimalBook] = {}
        self.events: Counter[str] = Counter()  # of each pair's book
        self.homes: dict[str, str] = {}  # the socket that first brought each pair's book
        # Each book's states of the last seconds: a book over REST has no number.
        self.states: dict[tuple[str, str], deque[tuple[int, DecimalBook]]] = {}
        self._last: dict[tuple[str, str], int] = {}

    def see(self, record: ProbeRecord) -> Iterator[Fact]:
        """Yield the facts of one record."""
        if record.kind == "text":
            number, body = json.loads(record.text)
            yield self._message(record, number, body)
        elif record.kind == "answer":
            yield self._take_answer(record)
        else:
            if record.kind == "opened":
                self.open.add(record.door)
            elif record.kind in ("closed", "lost"):
                self._forget(record.door)
            yield Fact(record.kind, record)

    def find_book(self, pair: str) -> DecimalBook | None:
        """Return a pair's book from the socket that brought it first."""
        return self.books.get((self.homes.get(pair, ""), pair))

    def _forget(self, door: str) -> None:
        self.open.discard(door)
        for kept in (self.books, self.states, self._last):
            for key in [key for key in kept if key[0] == door]:
                del kept[key]
        self.homes = {pair: home for pair, home in self.homes.items() if home != door}

    def _message(self, record: ProbeRecord, number: int, body: Any) -> Fact:
        pair = str(body.get("PS") or body.get("symbol") or body.get("event") or "")
        if number == 431 and body["channel"] == "obdiff":  # noqa: PLR2004 (the exchange's number)
            return self._snapshot(record, pair, body)
        if number == 432:  # noqa: PLR2004 (as above)
            return self._event(record, pair, body)
        return Fact(str(number), record, pair, body, self.find_book(pair))

    def _snapshot(self, record: ProbeRecord, pair: str, body: Any) -> Fact:
        key = record.door, pair
        own, other = self.books.get(key), DecimalBook()
        for theirs, side in SIDES.items():
            levels = ((Decimal(one["P"]), Decimal(one["A"])) for one in body[theirs])
            other.replace(side, levels, full=WINDOW)
        other.sequence = self._last[key] = body["CS"]
        other.touches = own.touches if own else other.touches
        self.books[key] = other
        self.homes.setdefault(pair, record.door)
        self._note(record.ts, key, other)
        return Fact("snapshot", record, pair, body, own, other)

    def _event(self, record: ProbeRecord, pair: str, body: Any) -> Fact:
        key = record.door, pair
        self.events[pair] += 1
        last, self._last[key] = self._last.get(key), body["CS"]
        book = self.books.get(key)
        fact = Fact("event", record, pair, body, book, last=last)
        if book is None:
            return fact
        if body["CS"] != (book.sequence or 0) + 1:
            del self.books[key]  # until the next 431
            fact.book = None
            return fact
        fact.other = book.copy()  # as it was before
        for theirs, side in SIDES.items():
            for one in body[theirs]:
                size = Decimal(0) if one["CP"] == DELETED else Decimal(one["A"])
                book.set_level(side, Decimal(one["P"]), size)
        book.sequence = body["CS"]
        self._note(record.ts, key, book)
        return fact

    def _note(self, ts: int, key: tuple[str, str], book: DecimalBook) -> None:
        book.note_touch(ts)
        states = self.states.setdefault(key, deque())
        states.append((ts, book.copy()))
        while len(states) > 1 and states[1][0] < ts - STATES_NS:
            states.popleft()

    def _take_answer(self, record: ProbeRecord) -> Fact:
        try:
            body = json.loads(record.text)["data"]
        except (ValueError, LookupError, TypeError):
            return Fact(REST, record, body=None)
        pair = record.path.partition("pairSymbol=")[2].partition("&")[0]
        if record.path == PAIRS_PATH:
            self.pairs = {row["name"]: row["status"] for row in body["symbols"]}
        other = None
        if "/orderbook" in record.path:
            other = DecimalBook()
            for side in ("bids", "asks"):
                levels = ((Decimal(price), Decimal(size)) for price, size in body[side])
                other.replace(side, levels, full=WINDOW)
        return Fact(REST, record, pair, body, self.find_book(pair), other)
