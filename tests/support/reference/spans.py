"""Finds the spans of a session: the times in which it knew a book, and why they end."""

from bisect import bisect_right
from typing import Final

from msgspec import Struct, field

from tests.support.reference.rows import Event, Session

# R4: the rows that end the book of the symbol they name.
_OF_CHANNEL: Final = ("gap", "malformed")
_OF_SYMBOL: Final = ("resync", "mismatch", "stale")
# R4: those that end several books, being of a connection or of the disk.
_OF_CONNECTION: Final = ("disconnected", "stale", "disk_full")
# R4: their time is not the session's, so H does not count them.
_NOT_OF_SESSION: Final = ("session_end", "journal_hole")


class Change(Struct):
    """One event of a span, and when it took effect (R3)."""

    effective: int
    event: Event


class Span(Struct):
    """A stretch `[start, end)` in which one session knows one book."""

    session: str
    line: str
    symbol: str
    first: int  # the number of the event that opens it
    start: int
    changes: list[Change] = field(default_factory=list)
    end: int = 0
    cause: str = ""

    @property
    def epoch(self) -> int:
        """Return the epoch that a delta must have to count."""
        epoch = self.changes[0].event.columns["epoch"]
        assert isinstance(epoch, int)
        return epoch

    @property
    def last_effective(self) -> int:
        """Return the effective time of the last row so far."""
        return self.changes[-1].effective

    def add(self, event: Event) -> None:
        """Take a row of the span. R3: no row takes effect before the one that it follows."""
        earliest = self.last_effective if self.changes else event.ts_recv
        self.changes.append(Change(max(event.ts_recv, earliest), event))


def find_spans(session: Session) -> list[Span]:
    """Return the spans of all symbols of a session, in the order in which they open."""
    walk = _Walk(session)
    for event, before in zip(session.events, [None, *session.events], strict=False):
        if before is not None and event.number > before.number + 1:
            walk.finish()  # events between are not stored, and unknown
        walk.take(event)
    walk.finish()
    return walk.spans


class _Walk:
    """Goes through the events of one session in the order of their numbers (R2)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.spans: list[Span] = []
        self._open: dict[str, Span] = {}
        self._highest = 0  # H of R4
        self._is_polled = any(
            event.kind == "session_start" and event.detail.get("transport") == "rest"
            for event in session.events
        )
        self._books: dict[str, list[tuple[int, int]]] = {}  # symbol -> number and epoch of each
        for event in session.events:
            if event.table == "book" and event.symbol is not None:
                pair = event.number, event.columns["epoch"]
                self._books.setdefault(event.symbol, []).append(pair)

    def take(self, event: Event) -> None:
        if event.table == "book":
            self._take_book(event)
        elif event.table == "feed_events":
            self._take_feed_event(event)
        self._note_time(event)

    def finish(self) -> None:
        """R4, last but one row of its table: no row ends what is open still."""
        for symbol in list(self._open):
            self._end(symbol, self._highest + 1, "open")

    def _note_time(self, event: Event) -> None:
        """R4: H is the latest time since the clock went back, the row of that step included."""
        if _goes_back(event):
            self._highest = event.ts_recv
        elif event.kind not in _NOT_OF_SESSION:
            self._highest = max(self._highest, event.ts_recv)

    # --- books (R2) ---

    def _take_book(self, event: Event) -> None:
        assert event.symbol is not None
        span = self._open.get(event.symbol)
        is_of_span = span is not None and span.epoch == event.columns["epoch"]
        if event.columns["is_snapshot"] and not (event.columns["is_checkpoint"] and is_of_span):
            # A snapshot opens a span, ending the one before it at the same instant. So does a
            # checkpoint where none is open; one of another epoch than the open span's is read
            # as the snapshot that it is.
            self._end_by(event.symbol, event, "snapshot")
            self._begin(event)
        elif span is not None and is_of_span:
            span.add(event)
        # Any other delta is ignored: its snapshot is gone, or lies before a journal hole.

    def _begin(self, event: Event) -> None:
        assert event.symbol is not None
        session = self._session
        span = Span(session.name, session.line, event.symbol, event.number, event.ts_recv)
        span.add(event)
        self.spans.append(span)
        self._open[event.symbol] = span

    # --- ends (R4, row by row) ---

    def _take_feed_event(self, event: Event) -> None:
        if event.symbol is not None:
            self._take_of_symbol(event, event.symbol)
        elif event.kind in _OF_CONNECTION:
            for symbol in self._find_lost(event):
                self._end_by(symbol, event, event.kind)
        elif event.kind == "rate_limited" and self._is_polled:  # a poll failed
            for symbol in list(self._open):
                self._end_by(symbol, event, event.kind)
        else:
            self._take_of_session(event)

    def _take_of_symbol(self, event: Event, symbol: str) -> None:
        kind = event.kind
        is_of_book = kind in _OF_CHANNEL and (event.detail.get("channel") or "book") == "book"
        is_failed_poll = kind == "subscription_refused" and self._is_polled
        if is_of_book or kind in _OF_SYMBOL or is_failed_poll:
            self._end_by(symbol, event, kind)

    def _take_of_session(self, event: Event) -> None:
        for symbol, span in list(self._open.items()):
            if event.kind == "session_end" and event.detail["reason"] == "stopped":
                self._end_by(symbol, event, "stopped")
            elif event.kind == "session_end":  # killed: its time is that of the next start
                self._end(symbol, self._highest + 1, "killed")
            elif event.kind == "journal_hole":  # its time is the writer's
                self._end(symbol, self._highest + 1, "journal_hole")
            elif _goes_back(event):
                self._end(symbol, span.last_effective + 1, "clock_step")

    def _find_lost(self, event: Event) -> list[str]:
        """Return the symbols whose books end with a connection, or with the disk's room."""
        listed = event.detail.get("symbols")
        if listed is not None:  # schema 2
            return [symbol for symbol in listed if symbol in self._open]
        return [
            symbol
            for symbol, span in self._open.items()
            if self._next_epoch(symbol, event.number) != span.epoch
        ]

    def _next_epoch(self, symbol: str, number: int) -> int | None:
        """Return the epoch of the symbol's next row in the book table, if it has one (schema 1)."""
        books = self._books[symbol]
        place = bisect_right(books, number, key=lambda pair: pair[0])
        return books[place][1] if place < len(books) else None

    def _end_by(self, symbol: str, event: Event, cause: str) -> None:
        """R4: `at`, the row's time, never below the last effective time of the span."""
        span = self._open.get(symbol)
        if span is not None:
            self._end(symbol, max(event.ts_recv, span.last_effective), cause)

    def _end(self, symbol: str, end: int, cause: str) -> None:
        span = self._open.pop(symbol)
        span.end, span.cause = end, cause


def _goes_back(event: Event) -> bool:
    return event.kind == "clock_step" and float(event.detail["step_s"]) < 0
