from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from booktape.certify import merging
from booktape.certify.merging import Merge
from booktape.segments.segment import Segment
from booktape.store.folder import FolderStore
from tests.support.hand_tape import BTC, ETH, A, B, Event, HandTape, delta, feed, snapshot

PLACE = "bitvavo", "2026-11-22"
LEVEL = ("bid", 99.0, 1.0)


def make_tape(root: Path) -> HandTape:
    tape = HandTape(root / "tape", row_group_rows=2)
    for session in (A, B):
        tape.write(session, feed(0, "session_start"), *book(1, 3))
        tape.write(session, *book(4, 5), feed(9, "gap", BTC), feed(9, "resync", ETH))
    return tape


def book(first: int, count: int) -> Iterator[Event]:
    for number in range(first, first + count):
        symbol = (BTC, ETH)[number % 2]
        if number < 3:
            yield snapshot(number, number, LEVEL, ("ask", 101.0, 1.0), symbol=symbol)
        else:
            yield delta(number, 1, LEVEL, symbol=symbol)


def merge(tape: HandTape, table: str, folder: Path) -> list[tuple[str | None, int, pa.Table]]:
    folder.mkdir(exist_ok=True)
    flushes = tape.reading()[0].day(*PLACE)
    flushes = [flush for flush in flushes if table in flush.tables]
    segments = (Segment(FolderStore(tape.root), f.tables[table], table) for f in flushes)
    rows = sum(flush.tables[table].rows for flush in flushes)
    return [
        (found.symbol, found.rows, pa.concat_tables(found.tables))
        for found in Merge(table, segments, rows, folder).read()
    ]


def expect(tape: HandTape, table: str) -> list[tuple[str | None, str, int]]:
    """Return what the rows' order is by sorting all of them."""
    rows = []
    for path in (tape.root / "tape" / table).rglob("*.parquet"):
        found = parquet.ParquetFile(path).read().to_pylist()
        rows += [(row["symbol"], row["session"], row["event_number"]) for row in found]
    return sorted(rows, key=lambda row: (row[0] is None, row[0] or "", row[1], row[2]))


@pytest.mark.parametrize("run_rows", [1, 3, 1000])
@pytest.mark.parametrize("table", ["book", "feed_events"])
def test_rows_come_by_symbol_session_and_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_rows: int, table: str
) -> None:
    monkeypatch.setattr(merging, "RUN_ROWS", run_rows)
    monkeypatch.setattr(merging, "BATCH_ROWS_MIN", 2)
    monkeypatch.setattr(merging, "BATCH_ROWS_MAX", 2)
    tape = make_tape(tmp_path)
    found = merge(tape, table, tmp_path / "temporary")
    rows = [
        (row["symbol"], row["session"], row["event_number"])
        for _, _, rows in found
        for row in rows.to_pylist()
    ]
    assert expect(tape, table) == rows
    for symbol, count, table_ in found:
        assert count == table_.num_rows
        assert {symbol} == set(table_["symbol"].to_pylist())
    assert [] == list((tmp_path / "temporary").iterdir())


def test_every_value_is_that_of_the_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = make_tape(tmp_path)
    whole = pa.concat_tables([rows for _, _, rows in merge(tape, "book", tmp_path / "one")])
    monkeypatch.setattr(merging, "RUN_ROWS", 2)
    parts = pa.concat_tables([rows for _, _, rows in merge(tape, "book", tmp_path / "two")])
    assert whole.to_pylist() == parts.to_pylist()
    segments = (tape.root / "tape/book").rglob("*.parquet")
    recorded = [row for path in segments for row in parquet.ParquetFile(path).read().to_pylist()]
    key = ("symbol", "session", "event_number", "side")
    order = sorted(recorded, key=lambda row: tuple(row[name] or "" for name in key))
    assert order == sorted(whole.to_pylist(), key=lambda row: tuple(row[n] or "" for n in key))


def test_runs_are_removed_where_reading_ends_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "RUN_ROWS", 2)
    tape = make_tape(tmp_path)
    flushes = tape.reading()[0].day(*PLACE)
    segments = (Segment(FolderStore(tape.root), f.tables["book"], "book") for f in flushes)
    symbols = Merge("book", segments, 1000, tmp_path).read()
    next(symbols)
    assert list(tmp_path.glob("run-*"))
    symbols.close()  # type: ignore[attr-defined]
    assert [] == list(tmp_path.glob("run-*"))
