"""Spans: the stretches of time in which one session knows one book.

The walk takes the rows of a session by their event numbers. A span opens at a snapshot, and ends at
the first row that makes the book unknown, at the exchange's next snapshot, or at the end of the
session's rows. Times are microseconds; a span is `[start, end)`.
"""

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush, merge
from typing import Final, TypeAlias, assert_never

import msgspec
from msgspec import Struct, field

from booktape.errors import UNDECODABLE

OPEN: Final = "open"  # the cause of an end at the end of the rows
SNAPSHOT: Final = "snapshot"  # the cause if the next span replaces this one without a gap
KILLED: Final = "killed"
STOPPED: Final = "stopped"

# The kinds of rows that end the book of one symbol, of each symbol that they list, of every symbol.
_OF_SYMBOL: Final = frozenset({"gap", "malformed", "resync", "mismatch", "stale"})
_OF_CONNECTION: Final = frozenset({"disconnected", "stale", "disk_full"})
_OF_SESSION: Final = frozenset({"session_end", "journal_hole", "clock_step"})
_OF_POLLS: Final = frozenset({"rate_limited", "subscription_refused"})
ENDING: Final = _OF_SYMBOL | _OF_CONNECTION | _OF_SESSION | _OF_POLLS
UNTIMED: Final = frozenset({"session_end", "journal_hole"})  # others may have written them later


class Detail(Struct, frozen=True):
    """The part of a row's detail that matters to a book."""

    channel: str | None = None
    symbols: list[str] | None = None
    reason: str | None = None
    step_s: float = 0.0
    transport: str | None = None
    session_before: str | None = None


class Row(Struct, frozen=True):
    """One row of feed_events."""

    number: int
    ts: int
    kind: str
    symbol: str | None
    text: str  # the detail as stored
    detail: Detail

    @property
    def steps_back(self) -> bool:
        """Return whether the clock was set back here."""
        return self.kind == "clock_step" and self.detail.step_s < 0


class Hole(Struct, frozen=True):
    """The tape lacks the events from this number on: the flush that had them is gone."""

    number: int


class Run(Struct, frozen=True, array_like=True):
    """Adjacent rows of one book: one snapshot, or deltas of one epoch.

    `flush`, `begin` and `end` are their place: rows of the symbol in one segment.
    """

    number: int  # of its first row
    last: int  # of its last row
    ts: int  # `ts_recv` of its first row
    ts_max: int  # the latest `ts_recv` of its rows
    epoch: int
    is_snapshot: bool
    is_checkpoint: bool
    flush: int
    begin: int
    end: int


class Placed(Struct, frozen=True):
    """A run of a span, with the effective time of its first row."""

    run: Run
    ts: int


class Span(Struct):
    """A stretch in which a session knows a book; the stored rows decide `end` and `cause`."""

    session: str
    line: str
    first: int  # the event number of its first row
    epoch: int
    start: int
    end: int
    ts_last: int  # the effective time of its last row
    cause: str = OPEN
    detail: str | None = None
    runs: list[Placed] = field(default_factory=list)


Item: TypeAlias = Run | Row | Hole


class Facts(Struct, frozen=True):
    """Facts that a walk asks for when it needs them; reading them may take a while."""

    # The latest `ts_recv` of the session before an event number, since the clock was set back.
    latest: Callable[[int], int]
    # The epoch of the symbol's first book row after the given rows.
    next_epoch: Callable[[], int | None]
    is_polled: Callable[[], bool]


def parse_detail(text: str) -> Detail:
    """Return the parsed detail; an empty one if it is none of ours."""
    try:
        return _decoder.decode(text)
    except UNDECODABLE:
        return Detail()


def find_spans(
    session: tuple[str, str],
    symbol: str,
    runs: Sequence[Run],
    rows: Iterable[Row | Hole],
    facts: Facts,
    *,
    end_number: int,
) -> list[Span]:
    """Return the spans of a session's book, by their first event numbers.

    `session` is the id and its line; `end_number` follows the last given event.
    """
    walk = _Walk(session, symbol, runs, facts)
    items: Iterable[Item] = merge(runs, rows, key=lambda item: item.number)
    for item in items:
        match item:
            case Run():
                walk.take_run(item)
            case Row():
                walk.take_row(item)
            case Hole():
                walk.end_at_latest(item.number, OPEN)
            case _:
                assert_never(item)
    walk.end_at_latest(end_number, OPEN)
    return walk.spans


class _Walk:
    """One session's rows of one symbol, in order; at most one span is open."""

    def __init__(
        self, session: tuple[str, str], symbol: str, runs: Sequence[Run], facts: Facts
    ) -> None:
        self.spans: list[Span] = []
        self._session = session
        self._symbol = symbol
        self._runs = runs
        self._taken = 0
        self._facts = facts
        self._open: Span | None = None

    def take_run(self, run: Run) -> None:
        self._taken += 1
        span = self._open
        is_of_span = span is not None and run.epoch == span.epoch
        if run.is_snapshot and not (run.is_checkpoint and is_of_span):
            self._end(run.ts, SNAPSHOT)
            span = Span(*self._session, run.number, run.epoch, run.ts, run.ts, run.ts_max)
            span.runs.append(Placed(run, run.ts))
            self.spans.append(span)
            self._open = span
        elif span is not None and is_of_span:
            span.runs.append(Placed(run, max(run.ts, span.ts_last)))
            span.ts_last = max(run.ts_max, span.ts_last)

    def take_row(self, row: Row) -> None:
        """End the open span if the row ends it."""
        span = self._open
        if span is None or row.kind not in ENDING or not self._is_ended_by(row, span):
            return
        if row.kind == "journal_hole":
            self.end_at_latest(row.number, row.kind, row.text)
        elif row.kind == "clock_step":
            self._end(span.ts_last + 1, row.kind, row.text)
        elif row.kind == "session_end" and row.detail.reason == KILLED:
            self.end_at_latest(row.number, KILLED, row.text)
        else:
            cause = STOPPED if row.kind == "session_end" else row.kind
            self._end(max(row.ts, span.ts_last), cause, row.text)

    def end_at_latest(self, number: int, cause: str, text: str | None = None) -> None:
        """End the open span right after the latest row before the event number."""
        if self._open is not None:
            latest = max(self._facts.latest(number), self._open.ts_last)
            self._end(latest + 1, cause, text)

    def _end(self, end: int, cause: str, text: str | None = None) -> None:
        if self._open is not None:
            self._open.end, self._open.cause, self._open.detail = end, cause, text
            self._open = None

    def _is_ended_by(self, row: Row, span: Span) -> bool:
        if row.symbol is None:
            return self._ends_all(row, span)
        return row.symbol == self._symbol and self._ends_symbol(row)

    def _ends_symbol(self, row: Row) -> bool:
        if row.kind in {"gap", "malformed"}:
            return row.detail.channel in {None, "book"}
        is_failed_poll = row.kind == "subscription_refused" and self._facts.is_polled()
        return row.kind in _OF_SYMBOL or is_failed_poll

    def _ends_all(self, row: Row, span: Span) -> bool:
        if row.kind in _OF_CONNECTION:
            if row.detail.symbols is not None:
                return self._symbol in row.detail.symbols
            return self._find_next_epoch() != span.epoch
        if row.kind == "clock_step":
            return row.steps_back
        is_failed_poll = row.kind == "rate_limited" and self._facts.is_polled()
        return row.kind in _OF_SESSION or is_failed_poll

    def _find_next_epoch(self) -> int | None:
        """Return the epoch of the next book row, which shows whether the lost socket had this book.

        Rows of schema 1 do not list the symbols of a connection.
        """
        if self._taken < len(self._runs):
            return self._runs[self._taken].epoch
        return self._facts.next_epoch()


class Piece(Struct, frozen=True):
    """A stretch of time with the span that counts in it; `None`: the book is unknown."""

    start: int
    end: int
    span: Span | None


def stitch_spans(spans: Iterable[Span], start: int, end: int) -> list[Piece]:
    """Return which span counts at which time, from start to end.

    Of the spans with a moment: the lowest line, then the latest session, then the highest number.
    """
    if start >= end:
        return []
    held = sorted(
        (span for span in spans if span.start < min(span.end, end) and span.end > start),
        key=lambda span: span.start,
    )
    ranks = _rank_sessions(held)
    bounds = sorted({start, *_inside(held, start, end)})
    pieces: list[Piece] = []
    alive: list[tuple[int, int, int]] = []  # rank, event number, place in `held`
    taken = 0
    for place, bound in enumerate(bounds):
        while taken < len(held) and held[taken].start <= bound:
            span = held[taken]
            heappush(alive, (ranks[span.session], -span.first, taken))
            taken += 1
        while alive and held[alive[0][2]].end <= bound:
            heappop(alive)
        best = held[alive[0][2]] if alive else None
        until = bounds[place + 1] if place + 1 < len(bounds) else end
        if pieces and pieces[-1].span is best:
            pieces[-1] = Piece(pieces[-1].start, until, best)
        else:
            pieces.append(Piece(bound, until, best))
    return pieces


def find_last_ended(spans: Iterable[Span], ts: int) -> Span | None:
    """Return the span that ended last at or before a moment; of several the latest session's."""
    ended = (span for span in spans if span.end <= ts)
    return max(ended, key=lambda span: (span.end, span.session, span.first), default=None)


def _rank_sessions(spans: Iterable[Span]) -> dict[str, int]:
    lines = {span.session: span.line for span in spans}
    latest_first = sorted(lines, reverse=True)
    ordered = sorted(latest_first, key=lambda session: lines[session])  # stable
    return {session: rank for rank, session in enumerate(ordered)}


def _inside(spans: Iterable[Span], start: int, end: int) -> Iterable[int]:
    for span in spans:
        if start < span.start < end:
            yield span.start
        if start < span.end < end:
            yield span.end


_decoder = msgspec.json.Decoder(Detail)
