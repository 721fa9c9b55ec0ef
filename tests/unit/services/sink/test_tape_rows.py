from collections.abc import Iterable
from pathlib import Path

import pytest

from booktape.errors import DamagedSegment, StoreError
from booktape.keys import Key, parse_key
from booktape.opening import open_tape
from booktape.store.folder import FolderStore
from services.sink.protocol import SinkBatch
from services.sink.tape_rows import SegmentGone, SinkRows
from tests.support.hand_tape import A, B, HandTape, feed, snapshot, ticker, trade

TABLES = ("ticker", "trades", "feed_events")


def open_rows(tape: HandTape, tables: Iterable[str] = TABLES) -> SinkRows:
    store = FolderStore(tape.root)
    return SinkRows(store, list(tables), open_tape=lambda: open_tape(tape.root))


def numbers_of(batches: Iterable[SinkBatch]) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for batch in batches:
        if batch.rows.num_rows:
            assert "bitvavo" == batch.exchange
            place = batch.table, batch.line
            found.setdefault(place, []).extend(batch.rows["event_number"].to_pylist())
    return found


def write_day(tape: HandTape) -> list[Key]:
    """Write two sessions; return their flushes."""
    first = tape.write(A, feed(0, "session_start"), ticker(1), trade(1, "x"), ticker(2, "ETH-EUR"))
    second = tape.write(A, ticker(3), snapshot(4, 5, ("bid", 1.0, 1.0)), trade(5, "y"))
    other = tape.write(B, trade(1, "x"), ticker(2))
    return [parse_key(key) for key in (first, second, other)]


def test_a_flush_is_read_table_by_table_in_the_order_of_events(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    [first, *_] = write_day(tape)
    assert {
        ("ticker", "a"): [1, 3],
        ("trades", "a"): [2],
        ("feed_events", "a"): [0],
    } == numbers_of(open_rows(tape).read(first, 0))


def test_only_what_is_wanted_and_not_there_is_read(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    [first, *_] = write_day(tape)
    assert {("ticker", "a"): [3]} == numbers_of(open_rows(tape, ["ticker"]).read(first, 2))


def test_older_tapes_are_read_as_well(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    key = parse_key(tape.write(A, ticker(1), version=1))
    assert {("ticker", "a"): [0]} == numbers_of(open_rows(tape).read(key, 0))


def test_a_segment_that_a_lifecycle_took_is_told_from_a_store_that_fails(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    [first, *_] = write_day(tape)
    path = next((tmp_path / "tape" / "ticker").rglob(f"*{first.first:012}-{first.last:012}*"))
    path.unlink()
    with pytest.raises(SegmentGone):
        numbers_of(open_rows(tape).read(first, 0))
    path.mkdir()
    with pytest.raises(StoreError):
        numbers_of(open_rows(tape).read(first, 0))


def test_what_is_damaged_is_not_fed(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    [first, *_] = write_day(tape)
    for path in (tmp_path / "tape" / "ticker").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedSegment):
        numbers_of(open_rows(tape).read(first, 0))


def test_a_day_is_read_as_any_reader_reads_it(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    keys = write_day(tape)
    found = numbers_of(open_rows(tape).read_day(keys, {A: 0, B: 0}))
    assert {
        ("ticker", "a"): [1, 3, 4],
        ("ticker", "b"): [1],
        ("trades", "a"): [2, 6],
        ("trades", "b"): [0],
        ("feed_events", "a"): [0],
    } == found


def test_of_a_day_only_what_is_due_is_read(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    [first, second, other] = write_day(tape)
    rows = open_rows(tape)
    assert {("ticker", "a"): [4], ("trades", "a"): [6]} == numbers_of(
        rows.read_day([second], {A: 4})
    )
    assert {("ticker", "a"): [3], ("ticker", "b"): [1]} == numbers_of(
        open_rows(tape, ["ticker"]).read_day([first, other], {A: 2, B: 1})
    )


def test_of_a_day_what_nobody_keeps_is_left_out_with_a_warning(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    [first, second, other] = write_day(tape)
    for path in (tmp_path / "tape").rglob(f"*{first.first:012}-{first.last:012}.parquet"):
        if A in path.name:
            path.unlink()
    with pytest.warns(UserWarning, match="gone and skipped"):
        found = numbers_of(
            open_rows(tape, ["ticker"]).read_day([first, second, other], {A: 0, B: 0})
        )
    assert {("ticker", "a"): [4], ("ticker", "b"): [1]} == found
