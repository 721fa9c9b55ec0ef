"""Finds the coverage of a book: the times when it is known, and the causes when it is not."""

from collections.abc import Iterator
from itertools import pairwise

import pyarrow as pa
from msgspec import Struct

from booktape.books.market import Market
from booktape.books.spans import Piece, Span, find_last_ended, stitch_spans
from booktape.scan import NAME, TIME
from booktape.times import DAY_US

UNRECORDED = "unrecorded"  # the cause before the first recording of a market

SCHEMA = pa.schema(
    [
        pa.field("exchange", NAME, nullable=False),
        pa.field("symbol", NAME, nullable=False),
        pa.field("start", TIME, nullable=False),
        pa.field("end", TIME, nullable=False),
        pa.field("whole", pa.bool_(), nullable=False),
        pa.field("cause", pa.string()),
        pa.field("detail", pa.string()),
    ]
)


class Interval(Struct, frozen=True):
    """A time in which a book is known, or is unknown with a cause."""

    start: int
    end: int
    is_whole: bool
    cause: str | None = None
    detail: str | None = None


def find_coverage(market: Market, start: int, end: int) -> Iterator[Interval]:
    """Yield touching intervals from start to end; two neighbours are never alike.

    The cause of a gap is that of the span that ended last before it.
    """
    if start >= end:
        return
    spans = market.find_spans(start, end)
    last: Interval | None = None
    for piece in stitch_spans(spans, start, end):
        for found in _describe(market, spans, piece):
            if last is None:
                last = found
            elif (last.is_whole, last.cause) == (found.is_whole, found.cause):
                last = Interval(last.start, found.end, last.is_whole, last.cause, last.detail)
            else:
                yield last
                last = found
    assert last is not None
    yield last


def find_cause(market: Market, spans: list[Span], ts: int) -> Span | None:
    """Return the span that ended last when a book became unknown; `spans` are those around."""
    last = find_last_ended(spans, ts)
    if last is not None and last.end > ts // DAY_US * DAY_US:
        return last
    return market.find_last_ended(ts)


def _describe(market: Market, spans: list[Span], piece: Piece) -> Iterator[Interval]:
    if piece.span is not None:
        yield Interval(piece.start, piece.end, is_whole=True)
        return
    # A span may begin and end at one instant, and is the last one to have ended from then on.
    ends = sorted({piece.start, *(s.end for s in spans if piece.start < s.end < piece.end)})
    for start, end in pairwise([*ends, piece.end]):
        last = find_cause(market, spans, start)
        cause, detail = (UNRECORDED, None) if last is None else (last.cause, last.detail)
        yield Interval(start, end, is_whole=False, cause=cause, detail=detail)
