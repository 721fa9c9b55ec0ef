"""A small tape of two exchanges, opened as a reader opens it."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from booktape.answers.reading import Reading
from booktape.opening import open_tape
from booktape.scan import Scan
from booktape.tape import Tape
from tests.support.hand_tape import (
    BTC,
    ETH,
    A,
    HandTape,
    at,
    delta,
    feed,
    instrument,
    snapshot,
    ticker,
    trade,
)

TURKISH = "20261122T120000.000000Z-btcturk-a"
BOOK = ("bid", 99.0, 1.0), ("ask", 101.0, 2.0)


def make_tape(root: Path) -> HandTape:
    """Write ten seconds: a book, a gap in it from 4 to 6, trades; and another exchange's book."""
    tape = HandTape(root)
    tape.write(
        A,
        feed(0, "session_start", transport="websocket"),
        snapshot(1, 1, *BOOK),
        snapshot(1, 2, *BOOK, symbol="USDT-EUR"),
        snapshot(1, 3, *BOOK, symbol=ETH),
        trade(2, "t1", event=1.9),
        trade(3, "t0", event=-20.0),
        feed(4, "gap", BTC, channel="book"),
        snapshot(6, 7, *BOOK),
        instrument(6, BTC),
    )
    tape.write(A, delta(7, 7, ("bid", 100.0, 1.0)), trade(8, "t2", event=8.0, side="sell"))
    tape.write(A, ticker(10))
    tape.write(TURKISH, *(snapshot(0, n, *BOOK, symbol=s) for n, s in enumerate(SYMBOLS)))
    tape.write(TURKISH, ticker(10, "BTC-TRY"))
    return tape


SYMBOLS = ("BTC-TRY", "USDT-TRY", ETH)


def open_small(root: Path) -> Tape:
    return open_tape(make_tape(root).root)


def reading_of(root: Path) -> Reading:
    return open_small(root)._reading


def rows_of(scan: Scan) -> list[dict[str, Any]]:
    """Return rows with times as seconds after noon."""
    table = scan.to_arrow()
    rows: list[dict[str, Any]] = table.to_pylist()
    for name in table.schema.names:
        if pa.types.is_timestamp(table.schema.field(name).type):
            for row, ts in zip(rows, table[name].cast(pa.int64()).to_pylist(), strict=True):
                row[name] = None if ts is None else (ts - at(0)) / 1e6
    return rows
