"""Shows the answers of the reference on a small tape, in seconds after noon, to read by eye."""

from pathlib import Path

from tests.support.reference.books import Book, Interval
from tests.support.reference.reader import Reference
from tests.support.small_tapes import SMALL_TAPES
from tests.support.tape_lines import NOON, at
from tests.support.tape_maker import make_tape

BTC, ETH = "BTC-EUR", "ETH-EUR"


class Answers:
    """The reference on one small tape; a market is a symbol of its first session's exchange."""

    def __init__(self, folder: Path, name: str) -> None:
        self.reference = Reference(make_tape(folder, SMALL_TAPES[name]))
        self.exchange = self.reference.sessions[0].exchange

    def spans(self, symbol: str) -> list[tuple[str, int, float, float, str]]:
        """Return line, first number, start, end and cause of each."""
        return [
            (span.line, span.first, seconds(span.start), seconds(span.end), span.cause)
            for span in self.reference.spans_of(self.exchange, symbol)
        ]

    def book(self, symbol: str, moment: float | str) -> str:
        """Return the levels as the lines of tapes have them; the cause where nothing is known."""
        ts = at(moment)
        book = self.reference.book_at(self.exchange, symbol, ts)
        return self.reference.cause_at(self.exchange, symbol, ts) if book is None else show(book)

    def number(self, symbol: str, moment: float | str) -> tuple[int, float]:
        """Return the number and the time of the last row that took effect."""
        book = self.reference.book_at(self.exchange, symbol, at(moment))
        assert book is not None
        return book.last.event.number, seconds(book.last.effective)

    def coverage(
        self, symbol: str, start: float | str, end: float | str
    ) -> list[tuple[float, float, str]]:
        """Return start, end and either `whole` or the cause."""
        found = self.reference.coverage(self.exchange, symbol, at(start), at(end))
        return [_show_interval(interval) for interval in found]

    def changes(self, symbol: str, start: float, end: float, depth: int) -> list[tuple[float, str]]:
        """Return each time at which the best levels changed, with the new levels."""
        return [
            (seconds(top.ts), "" if top.book is None else _show_sides(top.bids, top.asks))
            for top in self.reference.changes(self.exchange, symbol, at(start), at(end), depth)
        ]


def show(book: Book) -> str:
    """Return a book as the lines of tapes have it."""
    return _show_sides(book.bids, book.asks)


def seconds(ts: int) -> float:
    """Return a time in seconds after noon."""
    return (ts - NOON) / 1e6


def _show_interval(interval: Interval) -> tuple[float, float, str]:
    return seconds(interval.start), seconds(interval.end), interval.cause or "whole"


def _show_sides(bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> str:
    words = [
        *(f"{price:g}x{size:g}" for price, size in bids),
        "|",
        *(f"{price:g}x{size:g}" for price, size in asks),
    ]
    return " ".join(words)
