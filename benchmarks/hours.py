"""Writes a day of equal hours: 280 flushes of five minutes, twenty books, 17 million rows.

Each hour begins with a checkpoint of each book. Arrow draws the numbers, which takes seconds.
"""

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.day_tape import DAY, write_flush
from benchmarks.frames import SESSION
from booktape.tables import SCHEMAS

FLUSHES: Final = 280
FLUSHES_AN_HOUR: Final = 12
SYMBOLS: Final = tuple(f"M{number:02}-EUR" for number in range(20))
EVENTS: Final = 1_000  # of a symbol in a flush
LEVELS: Final = 3  # of an event
CHECKPOINT: Final = 800  # levels
FLUSH_US: Final = 300_000_000
_SCHEMA: Final = SCHEMAS["book"]
_INT64: Final = pa.int64()


def write_hours(root: Path) -> int:
    """Write the tape; return its number of files of books."""
    hour = [_make_flush(number) for number in range(FLUSHES_AN_HOUR)]
    events = EVENTS * len(SYMBOLS)
    for number in range(FLUSHES):
        rows = hour[number % FLUSHES_AN_HOUR]
        ts = pc.add(rows["ts_recv"].cast(_INT64), DAY + number * FLUSH_US)
        moved = {
            "ts_recv": ts.cast(_SCHEMA.field("ts_recv").type),
            "event_number": pc.add(rows["event_number"], number * events),
            "sequence": pc.add(rows["sequence"], number * EVENTS),
            "is_checkpoint": pc.and_(rows["is_checkpoint"], pa.scalar(number > 0)),
        }
        columns = [moved.get(name, rows[name]) for name in _SCHEMA.names]
        table = pa.Table.from_arrays(columns, schema=_SCHEMA)
        write_flush(root, {"book": table}, (number + 1) * events - 1)
    return FLUSHES


def _make_flush(place: int) -> pa.Table:
    """Return the rows of the flush at this place in an hour, by symbol; all times from its start.

    The epoch is that of the first hour's checkpoint: event `symbol` of the day.
    """
    parts = []
    for symbol in range(len(SYMBOLS)):
        seed = place * len(SYMBOLS) + symbol
        is_first = place == 0
        counts = [CHECKPOINT if is_first else LEVELS, *[LEVELS] * (EVENTS - 1)]
        event = pa.ListArray.from_arrays(
            pa.array(_add_up(counts), pa.int32()), pa.nulls(sum(counts))
        )
        event = pc.list_parent_indices(event).cast(_INT64)
        rows = len(event)
        away = pc.floor(pc.multiply(_draw(rows, seed), CHECKPOINT / 2.0))
        is_begin = pc.and_(pc.equal(event, 0), pa.scalar(is_first))
        away = pc.if_else(is_begin, pc.divide(pa.arange(0, rows), 2).cast(pa.float64()), away)
        is_bid = pc.if_else(
            is_begin,
            pc.equal(pc.bit_wise_and(pa.arange(0, rows), 1), 0),
            pc.less(_draw(rows, seed + 1000), 0.5),
        )
        steps = pc.if_else(is_bid, pc.subtract(-1.0, away), pc.add(1.0, away))
        size = _draw(rows, seed + 2000)
        gone = pc.and_(pc.less(size, 0.4), pc.invert(is_begin))
        columns = {
            "ts_recv": pc.multiply(event, FLUSH_US // EVENTS),
            "symbol": pa.repeat(SYMBOLS[symbol], rows),
            "session": pa.repeat(SESSION, rows),
            "event_number": pc.add(pc.multiply(event, len(SYMBOLS)), symbol),
            "ts_event": pa.nulls(rows),
            "sequence": pc.add(event, place * EVENTS),
            "previous": pa.nulls(rows),
            "epoch": pa.repeat(symbol, rows),
            "is_snapshot": is_begin,
            "is_checkpoint": is_begin,
            "side": pc.if_else(is_bid, "bid", "ask"),
            "price": pc.multiply(pc.add(50_000.0, steps), 0.5),
            "size": pc.if_else(gone, 0.0, size),
        }
        parts.append(
            pa.table([columns[field.name].cast(field.type) for field in _SCHEMA], schema=_SCHEMA)
        )
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def _draw(rows: int, seed: Any) -> pa.Array:
    """Return numbers from 0 to below 1, always the same for a seed."""
    return pc.random(rows, initializer=seed)


def _add_up(counts: list[int]) -> list[int]:
    total, ends = 0, [0]
    for count in counts:
        total += count
        ends.append(total)
    return ends
