"""Reads raw rows of one table, as the tape has them, by session and event number."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.flush import Flush
from booktape.scan import NAME
from booktape.segments.opened import OpenSegment
from booktape.tables import SCHEMAS

ROW_BYTES: Final = 128  # memory of one row, names included
SORTED_SHARE: Final = 8  # an eighth of the allowed memory: sorting takes rows, keys and a copy
_INT64: Final = pa.int64()


def make_schema(table: str) -> pa.Schema:
    """Return the columns of a table's rows: its own, and the exchange, which only keys name."""
    own = [field.remove_metadata() for field in SCHEMAS[table]]
    return pa.schema([*own, pa.field("exchange", NAME, nullable=False)])


def add_name(rows: pa.Table, column: str, name: str) -> pa.Table:
    """Return the rows with one more column, which has the same name in every row."""
    index = pa.repeat(pa.scalar(0, pa.int32()), rows.num_rows)
    names = pa.DictionaryArray.from_arrays(index, pa.array([name]))
    return rows.append_column(pa.field(column, NAME, nullable=False), names)


def read_raw(
    segment: OpenSegment,
    flush: Flush,
    columns: Sequence[str],
    span: tuple[int, int],
    symbol: str | None,
    *,
    memory_bytes: int,
) -> Iterator[pa.Table]:
    """Yield a segment's rows received in `[start, end)`, by event number.

    Segments are sorted by symbol. So for all symbols, this reads and sorts one part of the event
    numbers at a time, as much as fits into memory.
    """
    wanted = [*dict.fromkeys((*columns, "ts_recv", "event_number"))]
    if symbol is not None:
        for _, rows in segment.read_symbol(symbol, wanted):
            yield _keep(rows, "ts_recv", *span)
        return
    first, last = flush.first, flush.last
    rows_max = max(memory_bytes // SORTED_SHARE // ROW_BYTES, 1)
    parts = -(-segment.rows // rows_max)
    step = max(-(-(last - first + 1) // parts), 1)
    for begin in range(first, last + 1, step):
        kept = []
        for group in segment.groups:
            rows = _keep(segment.read(group, wanted), "event_number", begin, begin + step)
            kept.append(_keep(rows, "ts_recv", *span))
        table = pa.concat_tables(kept).unify_dictionaries()
        yield table.take(pc.sort_indices(table["event_number"]))


def _keep(rows: pa.Table, column: str, start: int, end: int) -> pa.Table:
    values = rows[column].cast(_INT64)
    return rows.filter(pc.and_(pc.greater_equal(values, start), pc.less(values, end)))
