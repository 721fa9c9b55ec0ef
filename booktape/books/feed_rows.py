"""Reads feed rows, a feed's rows about itself, from the table `feed_events`."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import pyarrow as pa

from booktape.books.spans import ENDING, Row, parse_detail
from booktape.segments.opened import OpenSegment

_COLUMNS: Final = ("ts_recv", "symbol", "event_number", "kind", "detail")
_KEPT: Final = ENDING | {"session_start", "crossed"}


class FeedRow(NamedTuple):
    """One row as it is stored."""

    ts: int
    symbol: str | None
    number: int
    kind: str
    text: str


def read_feed(segment: OpenSegment) -> list[FeedRow]:
    """Return the rows of a segment, by event number."""
    rows = []
    for group in segment.groups:
        table = segment.read(group, _COLUMNS)
        columns = (_to_list(table[name]) for name in _COLUMNS)
        rows += [FeedRow(*values) for values in zip(*columns, strict=True)]
    return sorted(rows, key=lambda row: row.number)


def make_rows(feed: Iterable[FeedRow]) -> Iterator[Row]:
    """Yield the rows that may matter to a reader of a book."""
    for row in feed:
        if row.kind in _KEPT:
            detail = parse_detail(row.text)
            yield Row(row.number, row.ts, row.kind, row.symbol, row.text, detail)


def _to_list(column: pa.ChunkedArray) -> list[Any]:
    is_time = pa.types.is_timestamp(column.type)
    values: list[Any] = (column.cast(pa.int64()) if is_time else column).to_pylist()
    return values
