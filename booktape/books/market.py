"""Finds the times when a market's book is known: its spans over every session, stitched."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Final

from booktape.books.recorded import Recorded
from booktape.books.spans import (
    OPEN,
    Facts,
    Hole,
    Piece,
    Row,
    Run,
    Span,
    find_last_ended,
    find_spans,
    stitch_spans,
)
from booktape.keys import day_of
from booktape.ledger import Ledger
from booktape.segments.opened import Segments
from booktape.times import DAY_US, date_of_ts

AHEAD: Final = 6  # flushes to fetch at once, on the way back to a snapshot


class Sessions:
    """The sessions of an exchange, each read once."""

    def __init__(
        self,
        ledger: Ledger,
        segments: Segments,
        make: Callable[[Ledger, Segments, str, str], Recorded] = Recorded,
    ) -> None:
        """Begin empty; `make` makes a session, by its exchange and name."""
        self._ledger = ledger
        self._segments = segments
        self._make = make
        self._known: dict[tuple[str, str], Recorded] = {}
        self._for_all: set[str] = set()

    def find(self, exchange: str, start: int, end: int) -> list[Recorded]:
        """Return the sessions that may have recorded something from start to end.

        Include those of one more date on both sides: a session may have been silent for a whole
        day.
        """
        dates = self._ledger.dates(exchange)
        begin = max(bisect_right(dates, date_of_ts(start)) - 2, 0)
        stop = min(bisect_left(dates, date_of_ts(end)) + 2, len(dates))
        return self._list(exchange, begin, stop)

    def find_all(self, exchange: str) -> list[Recorded]:
        """Return every session."""
        return self._list(exchange, 0, len(self._ledger.dates(exchange)))

    def expect_all(self, exchange: str) -> None:
        """Read the rows of all books of a flush at once from now on: the caller needs each."""
        self._for_all.add(exchange)
        for (name, _), session in self._known.items():
            session.is_for_all |= name == exchange

    def get(self, exchange: str, session: str) -> Recorded:
        """Return a session found before."""
        return self._known[exchange, session]

    def _list(self, exchange: str, begin: int, stop: int) -> list[Recorded]:
        dates = self._ledger.dates(exchange)
        self._ledger.list_days(exchange, dates[begin:stop])
        names = {
            name for date in dates[begin:stop] for name in self._ledger.sessions(exchange, date)
        }
        found = []
        for name in sorted(names):
            place = exchange, name
            if place not in self._known:
                self._known[place] = self._make(self._ledger, self._segments, exchange, name)
                self._known[place].is_for_all = exchange in self._for_all
            self._known[place].list_dates(begin, stop)
            found.append(self._known[place])
        return found


class Market:
    """One market of an exchange: when its book is known, and by which session."""

    def __init__(self, ledger: Ledger, sessions: Sessions, exchange: str, symbol: str) -> None:
        self.exchange = exchange
        self.symbol = symbol
        self._ledger = ledger
        self._sessions = sessions

    @property
    def name(self) -> str:
        """Return the name as a reader writes it."""
        return f"{self.exchange}:{self.symbol}"

    def session(self, name: str) -> Recorded:
        """Return a session that a span of this market names."""
        return self._sessions.get(self.exchange, name)

    def find_spans(self, start: int, end: int) -> list[Span]:
        """Return every span with a moment from start to end, and some before."""
        return [
            span
            for session in self._sessions.find(self.exchange, start, end)
            for span in read_spans(session, self.symbol, start, end)
        ]

    def stitch(self, start: int, end: int) -> list[Piece]:
        """Return which span counts at which time, from start to end."""
        return stitch_spans(self.find_spans(start, end), start, end)

    def find_last_ended(self, ts: int) -> Span | None:
        """Return the span that ended last at or before a moment, however long ago."""
        until = ts
        for date in reversed(self._ledger.dates(self.exchange)):
            day_start = day_of(date) * DAY_US
            if day_start >= until:
                continue
            last = find_last_ended(self.find_spans(day_start, until), until)
            if last is not None and last.end > day_start:
                return last
            until = day_start
        return None


def read_spans(session: Recorded, symbol: str, start: int, end: int) -> list[Span]:
    """Return a session's spans with a moment from start to end, and some before.

    Reading begins at a snapshot that makes earlier rows irrelevant. It goes on until a row decides
    the last span: if somebody sets the clock back later, the book ends right after its last row,
    however long that stood.
    """
    begin, stop = _find_flushes(session, symbol, start, end)
    while True:
        spans = _walk(session, symbol, begin, stop)
        is_open = any(span.cause == OPEN and span.ts_last < end - 1 for span in spans)
        if not is_open or (stop == len(session.keys) and not session.look_ahead()):
            return spans
        stop = min(stop + AHEAD, len(session.keys))


def _find_flushes(session: Recorded, symbol: str, start: int, end: int) -> tuple[int, int]:
    """Return the places of the flushes to read: those of the range, and those that decide it.

    One more flush shows how a session ended. Before the range, reading goes back to a snapshot
    received at `start` or before, and not before anything that precedes it.
    """
    count = len(session.keys)
    place = min(session.find_first(start), count - 1)
    stop = min(max(session.find_end(end), place + 1) + 1, count)
    session.open_ahead(place, stop, symbol)
    back = 0
    while not _has_anchor(session, symbol, place, start):
        if place:
            if back % AHEAD == 0:
                session.open_ahead(place - AHEAD, place, symbol)
            back, place = back + 1, place - 1
        elif session.look_back():
            return _find_flushes(session, symbol, start, end)
        else:
            break
    return place, stop


def _has_anchor(session: Recorded, symbol: str, place: int, start: int) -> bool:
    runs = session.runs(place, symbol)
    if not any(run.is_snapshot for run in runs):
        return False
    latest = session.latest_before(place)
    for run in runs:
        if run.is_snapshot and latest <= run.ts <= start:
            return True
        latest = max(latest, run.ts_max)
    return False


def _walk(session: Recorded, symbol: str, begin: int, stop: int) -> list[Span]:
    runs: list[Run] = []
    rows: list[Row | Hole] = []
    first = expected = session.keys[begin].first
    for place in range(begin, stop):
        if (place - begin) % AHEAD == 0:
            session.open_ahead(place, min(place + AHEAD, stop), symbol)
        key = session.keys[place]
        if key.first > expected:
            rows.append(Hole(expected))
        if session.flush(place) is None:
            rows.append(Hole(key.first))
        else:
            runs += session.runs(place, symbol)
            rows += session.rows(place, symbol)
        expected = key.last + 1
    facts = Facts(
        latest=lambda number: session.latest(first, number),
        next_epoch=lambda: _find_next_epoch(session, symbol, expected),
        is_polled=session.is_polled,
    )
    named = session.session, session.line
    return find_spans(named, symbol, runs, rows, facts, end_number=expected)


def _find_next_epoch(session: Recorded, symbol: str, number: int) -> int | None:
    place = session.place_of(number)
    while place < len(session.keys) or session.look_ahead():
        runs = session.runs(place, symbol)
        if runs:
            return runs[0].epoch
        place += 1
    return None
