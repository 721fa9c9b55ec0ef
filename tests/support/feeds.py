"""Makes a feed's parts and the books of two symbols, for tests of code that tends books."""

from typing import Any

import msgspec

from shared.event import FeedEvent, Row
from shared.feed.books import Books
from shared.feed.counts import Counts
from shared.feed.parts import Parts
from tests.support.readers import make_board
from tests.support.toys import SECOND, Tape, make_exchange

SYMBOLS = {"BTCEUR": "BTC-EUR", "ETHEUR": "ETH-EUR"}


class Desk:
    """Two books, a clock, and all their recorded events."""

    def __init__(self, *, depth: int | None = None, **changes: Any) -> None:
        self.now_s = 1000.0
        self.tape = Tape()
        self.resyncs: list[tuple[str, str]] = []
        self.books = Books(self.tape, lambda raw, why: self.resyncs.append((raw, why)), depth=depth)
        board = make_board(tuple(SYMBOLS.values()), ["book", "ticker"])
        exchange = make_exchange(depth=depth, **changes)
        self.parts = Parts(exchange, board, self.books, self.tape, Counts())
        for raw_symbol, symbol in SYMBOLS.items():
            self.books.add(raw_symbol, symbol)

    @property
    def ts(self) -> int:
        return int(self.now_s * SECOND)

    def take_rows(self) -> list[Row]:
        return self.tape.take()

    def kinds(self) -> list[str]:
        """Return the rows about the feed so far, by kind."""
        return [event.kind for event in self.tape.events(FeedEvent)]

    def details(self, kind: str) -> list[dict[str, Any]]:
        rows = [event for event in self.tape.events(FeedEvent) if event.kind == kind]
        return [msgspec.json.decode(row.detail) for row in rows]
