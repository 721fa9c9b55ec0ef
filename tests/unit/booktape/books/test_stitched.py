from pathlib import Path
from typing import Any

import pyarrow as pa

from booktape.books.stitched import read_stitched
from booktape.times import DAY_US
from tests.support.hand_tape import BTC, A, B, HandTape, at, delta, feed, snapshot, ticker

DAY = DAY_US / 1e6
COLUMNS = ("event_number", "is_snapshot", "is_checkpoint", "side", "price", "size")


def rows_of(tape: HandTape, start: float, end: float) -> list[tuple[Any, ...]]:
    tables = list(read_stitched(tape.market(), at(start), at(end)))
    if not tables:
        return []
    table = pa.concat_tables(tables)
    seconds = [(ts - at(0)) / 1e6 for ts in table["ts_recv"].cast(pa.int64()).to_pylist()]
    return list(zip(seconds, *(table[name].to_pylist() for name in COLUMNS), strict=True))


def make(root: Path) -> HandTape:
    tape = HandTape(root)
    tape.write(B, snapshot(0, 0, ("bid", 1.0, 1.0), ("ask", 3.0, 1.0), sequence=5))
    tape.write(B, delta(3, 0, ("bid", 2.0, 1.0), sequence=6), delta(8, 0), ticker(20))
    tape.write(A, snapshot(2, 0, ("bid", 5.0, 1.0)), delta(1, 0), feed(6, "gap", BTC))
    return tape


def test_a_switch_brings_a_made_snapshot(tmp_path: Path) -> None:
    assert [
        (2.0, 0, True, False, "bid", 5.0, 1.0),
        (2.0, 1, False, False, None, None, None),
        (6.0, 1, True, True, "bid", 2.0, 1.0),
        (6.0, 1, True, True, "bid", 1.0, 1.0),
        (6.0, 1, True, True, "ask", 3.0, 1.0),
        (8.0, 2, False, False, None, None, None),
    ] == rows_of(make(tmp_path), 2, 9)


def test_a_range_begins_with_the_book_at_its_start(tmp_path: Path) -> None:
    tape = make(tmp_path)
    (made,) = rows_of(tape, 4, 5)
    assert (4.0, 1, True, True, "bid", 5.0, 1.0) == made
    assert [] == rows_of(tape, 30, 40)


def test_a_made_snapshot_has_the_last_rows_names_and_no_times_of_the_exchange(
    tmp_path: Path,
) -> None:
    (table,) = read_stitched(make(tmp_path).market(), at(6.5), at(7))
    row = table.to_pylist()[0]
    assert (B, BTC, 0, 6, None, None) == tuple(
        row[n] for n in ("session", "symbol", "epoch", "sequence", "previous", "ts_event")
    )


def test_an_empty_book_is_one_row_without_a_side(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0), ticker(9))
    assert [(5.0, 0, True, True, None, None, None)] == rows_of(tape, 5, 6)


def test_midnight_is_no_switch(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0, ("bid", 1.0, 1.0)))
    tape.write(A, delta(DAY / 2, 0, ("bid", 2.0, 1.0)), delta(DAY, 0), ticker(DAY + 9))
    found = [(row[0], row[1], row[2]) for row in rows_of(tape, 0, DAY + 1)]
    assert [(0.0, 0, True), (DAY / 2, 1, False), (DAY, 2, False)] == found
