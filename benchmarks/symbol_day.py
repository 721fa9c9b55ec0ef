"""Writes a day of one symbol's book as a tape of one file."""

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.day_tape import DAY, write_flush
from benchmarks.days import FRIENDLY, START_US, make_day
from benchmarks.frames import SESSION
from booktape.replay.stream import ASK, BEGIN, LEVEL
from booktape.tables import SCHEMAS

LEVELS: Final = 1_000_000
_SCHEMA: Final = SCHEMAS["book"]


def write_symbol_day(root: Path) -> int:
    """Write the tape; return its number of levels.

    An event with which a book begins is a snapshot, whose last rows are what changed then.
    """
    day = make_day(FRIENDLY, LEVELS)
    begun = day.event_number.filter(pc.equal(day.action, BEGIN))
    rows = pa.table({name: getattr(day, name) for name in ("ts", "side", "price", "size")})
    rows = rows.append_column("event_number", day.event_number)
    rows = rows.filter(pc.equal(day.action, LEVEL)).combine_chunks()
    numbers = rows["event_number"].combine_chunks()
    is_snapshot = pc.is_in(numbers, begun)
    columns = {
        "ts_recv": pc.add(rows["ts"], DAY - START_US),
        "symbol": pa.repeat("BTC-EUR", len(rows)),
        "session": pa.repeat(SESSION, len(rows)),
        "event_number": numbers,
        "ts_event": pa.nulls(len(rows)),
        "sequence": numbers,
        "previous": pa.nulls(len(rows)),
        "epoch": pc.cumulative_max(pc.if_else(is_snapshot, numbers, 0)),
        "is_snapshot": is_snapshot,
        "is_checkpoint": pa.repeat(pa.scalar(False), len(rows)),  # noqa: FBT003 (a value)
        "side": pc.if_else(pc.equal(rows["side"], ASK), "ask", "bid"),
        "price": rows["price"],
        "size": rows["size"],
    }
    table = pa.table([columns[field.name].cast(field.type) for field in _SCHEMA], schema=_SCHEMA)
    write_flush(root, {"book": table}, numbers[-1].as_py())
    return len(rows)
