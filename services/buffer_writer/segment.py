"""Writes the segments of one manifest from the frames of one session.

It first sorts the events by symbol (one event for every five levels); a symbol's events keep
their order. Then it spreads them over their levels and writes `SLICE_ROWS` rows at a time, which is
fast (2,000,000 levels a CPU-second) in bounded memory. Packed events go by stretches of symbols.
"""

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from pyarrow import parquet

from booktape.checksum import crc32c
from booktape.hashed_file import HashedFile
from booktape.tables import ROW_GROUP_ROWS_MAX, SCHEMAS, parquet_options
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.columns import run_out
from services.buffer_writer.events import EventColumns, decode_events
from services.buffer_writer.packed import PackedEvents

SLICE_ROWS: Final = 128 * 1024  # of a book, written at once as one row group
# Compression levels of zstd. The thorough one saves 3 % of the bytes for half a microsecond a row,
# which is little at the live rate.
THOROUGH: Final = 9
QUICK: Final = 3


class WrittenSegment(Struct, frozen=True):
    """A written and synced file; times are ns here, and µs in the file."""

    path: Path
    rows: int
    bytes: int
    sha256: str
    footer_bytes: int
    footer_crc32c: int
    events: int
    ts_recv_min: int
    ts_recv_max: int


def prepare_arrow() -> None:
    """Make Arrow use malloc, whose memory returns to the system, and no threads of its own."""
    pa.set_memory_pool(pa.system_memory_pool())
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def write_segments(run: FrameRun, make_path: Callable[[str], Path]) -> dict[str, WrittenSegment]:
    """Write and sync one file for each table with events of the run.

    Raise `BadFrame` for a frame that contradicts itself, before the first file begins. Frames after
    packed ones are packed too, and stay packed.
    """
    place = run.session, run.day
    assert all((frame.session, frame.day) == place for frame in run.frames)
    assert all(a.last + 1 == b.first for a, b in pairwise(run.frames))
    # Frames fuller than live ones come from a backlog, at full speed: then speed counts.
    level = THOROUGH if run.is_live else QUICK
    events = _decode(run)
    return {
        table: _write(table, run.session, events, make_path(table), level=level)
        for table in list(events.names)
    }


def _decode(run: FrameRun) -> EventColumns | PackedEvents:
    if run.packed.is_empty:
        return decode_events(run.frames)
    run.pack()
    return run.packed


def _sort(events: pa.RecordBatch, symbols: list[str]) -> pa.RecordBatch:
    """Return the events by symbol, those without one last, and by number within a symbol.

    Arrow's sort is stable, and the events come in the order of their numbers. In the result the
    column `symbol` has each symbol's place among all sorted symbols.
    """
    places = {symbol: place for place, symbol in enumerate(sorted(symbols))}
    ranks = pa.array([places[symbol] for symbol in symbols], pa.int32())
    column = events.schema.get_field_index("symbol")
    events = events.set_column(column, "symbol", ranks.take(events["symbol"]))
    return events.take(pc.sort_indices(events["symbol"]))


def _spread(events: pa.RecordBatch, levels: pa.Array) -> Iterator[pa.RecordBatch]:
    """Yield batches with one row for each level, each of `SLICE_ROWS` rows or of one event.

    An event without levels is one row too.
    """
    rows = pc.max_element_wise(events["count"], 1)
    ends = pc.cumulative_sum(rows)
    first = done = 0
    while first < len(ends):
        last = max(first + 1, bisect_right(ends, done + SLICE_ROWS, key=lambda end: end.as_py()))
        part = slice(first, last)
        yield _spread_slice(events[part], rows[part], pc.subtract(ends[part], done), levels)
        first, done = last, ends[last - 1].as_py()


def _spread_slice(
    events: pa.RecordBatch, rows: pa.Array, ends: pa.Array, levels: pa.Array
) -> pa.RecordBatch:
    row = pa.arange(0, ends[-1].as_py())
    begin = pc.subtract(ends, rows)
    first_ask = run_out(pc.add(begin, events["bids"]), ends)  # null for events without levels
    is_ask = pc.greater_equal(row, first_ask)
    level = pc.add(row, run_out(pc.subtract(events["start"], begin), ends))
    # Each level has two numbers.
    price = pc.if_else(pc.is_null(is_ask), None, pc.shift_left(level, 1))
    kept = [name for name in events.schema.names if name not in {"bids", "count", "start"}]
    return pa.record_batch(
        {
            **{name: _run_out(events[name], ends, len(row)) for name in kept},
            "side": pa.DictionaryArray.from_arrays(is_ask.cast(pa.int32()), ["bid", "ask"]),
            "price": levels.take(price),
            "size": levels.take(pc.add(price, 1)),
        }
    )


def _run_out(values: pa.Array, ends: pa.Array, count: int) -> pa.Array:
    if values.null_count == len(values):  # `previous`, nearly always
        return pa.nulls(count, values.type)
    return run_out(values, ends)


def _finish(table: str, batch: pa.RecordBatch, names: pa.Array, session: str) -> pa.Table:
    """Return the batch with the columns and types of the tape."""
    columns = {name: batch[name] for name in batch.schema.names}
    zeros = pa.repeat(pa.scalar(0, pa.int32()), batch.num_rows)
    columns["session"] = pa.DictionaryArray.from_arrays(zeros, [session])
    # Rows in symbol order need only a stretch of the names in their dictionary.
    places = pc.min_max(batch["symbol"])
    least, most = places["min"].as_py() or 0, places["max"].as_py() or 0
    columns["symbol"] = pa.DictionaryArray.from_arrays(
        pc.subtract(batch["symbol"], pa.scalar(least, pa.int32())),
        names.slice(least, most - least + 1),
    )
    schema = SCHEMAS[table]
    arrays = [columns[field.name].cast(field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _write(
    table: str, session: str, events: EventColumns | PackedEvents, path: Path, *, level: int
) -> WrittenSegment:
    rows = count = 0
    times: list[int] = []
    options = parquet_options(table, level=level)
    with path.open("wb") as file:
        hashing = HashedFile(file)
        sink = pa.PythonFile(hashing, mode="w")
        with parquet.ParquetWriter(sink, SCHEMAS[table], **options) as writer:
            for portion, levels in events.take(table):
                count += len(portion)
                times += pc.min_max(portion["ts_recv"].cast(pa.int64())).as_py().values()
                for part in _arrange(portion, levels, events.symbols, session, table):
                    writer.write_table(part, row_group_size=ROW_GROUP_ROWS_MAX)
                    rows += len(part)
                del portion, levels  # the next batches take their memory
            hashing.keeps_end = True
        file.flush()
        os.fsync(file.fileno())
    footer = hashing.footer()
    return WrittenSegment(
        path=path,
        rows=rows,
        bytes=hashing.bytes,
        sha256=hashing.sha256.hexdigest(),
        footer_bytes=len(footer),
        footer_crc32c=crc32c(footer),
        events=count,
        ts_recv_min=min(times) * 1000,
        ts_recv_max=max(times) * 1000,
    )


def _arrange(
    events: pa.RecordBatch, levels: pa.Array | None, symbols: list[str], session: str, table: str
) -> Iterator[pa.Table]:
    """Yield the rows of events in the tape's order, a row group at a time."""
    names = pa.array(sorted(symbols), pa.string())
    ordered = _sort(events, symbols)
    for part in iter([ordered]) if levels is None else _spread(ordered, levels):
        yield _finish(table, part, names, session)
