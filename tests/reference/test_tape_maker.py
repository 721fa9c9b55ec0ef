import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from booktape.proof.verify import verify
from booktape.store.folder import FolderStore
from booktape.tables import SCHEMAS_BY_VERSION
from tests.support.small_tapes import SMALL_TAPES
from tests.support.tape_lines import NOON, at, read_lines
from tests.support.tape_maker import make_tape


def read(tape: Path, table: str) -> pa.Table:
    (path,) = tape.glob(f"tape/{table}/*/*/*.parquet")
    return parquet.ParquetFile(path).read()


# What they lack, or when they go on, is their point.
UNFINISHED = {"snapshot_gone", "unnamed", "open", "flush_missing"}
# Some of their deltas are of no epoch that a recorder would have written.
IMPOSSIBLE = {"checkpoint"}


@pytest.mark.parametrize("name", sorted(SMALL_TAPES.keys() - UNFINISHED - IMPOSSIBLE))
def test_a_tape_made_by_hand_is_whole(tmp_path: Path, name: str) -> None:
    report = verify(FolderStore(make_tape(tmp_path, SMALL_TAPES[name])))
    assert report.ok, report.faults
    assert [] == report.pending


@pytest.mark.parametrize("version", [1, 2])
def test_the_columns_are_those_of_the_tape(tmp_path: Path, version: int) -> None:
    lines = f"""
    session bitvavo a schema={version}
    0 -       session_start
    1 BTC-EUR snapshot 99x1 98x2 | 101x1 event=0.9
    2 BTC-EUR trade t1 buy 100x1
    3 BTC-EUR ticker 99x1 | 101x1 last=100
    """
    if version > 1:
        lines += "4 BTC-EUR instrument trading start\n"
    tape = make_tape(tmp_path, lines)
    for table, schema in SCHEMAS_BY_VERSION[version].items():
        found = read(tape, table).schema
        assert schema.equals(found)
        assert str(version).encode() == found.metadata[b"booktape.schema"]
        assert [field.metadata for field in schema] == [field.metadata for field in found]


def test_each_level_is_a_row_and_an_event_without_levels_is_one(tmp_path: Path) -> None:
    lines = """
    session bitvavo a
    1   BTC-EUR snapshot 99x1 98x2 | 101x4 sequence=7 event=0.5
    1.5 BTC-EUR delta |
    """
    rows = read(make_tape(tmp_path, lines), "book").to_pylist()
    assert [("bid", 99.0, 1.0), ("bid", 98.0, 2.0), ("ask", 101.0, 4.0), (None, None, None)] == [
        (row["side"], row["price"], row["size"]) for row in rows
    ]
    assert [(0, 0, 7, True), (1, 0, 8, False)] == [
        (row["event_number"], row["epoch"], row["sequence"], row["is_snapshot"]) for row in rows[2:]
    ]


def test_the_manifest_counts_what_was_written(tmp_path: Path) -> None:
    tape = make_tape(tmp_path, SMALL_TAPES["quotes"])
    (path,) = tape.glob("ledger/*/*/*.json")
    manifest = json.loads(path.read_bytes())
    assert (0, 15) == (manifest["first"], manifest["last"])
    events = [entry["events"] for (entry,) in manifest["tables"].values()]
    assert 16 == sum(events)
    (trades,) = manifest["tables"]["trades"]
    data = (tape / trades["key"]).read_bytes()
    assert (len(data), 9, at(1) * 1000, at("8.000001") * 1000) == (
        trades["bytes"],
        trades["rows"],
        trades["ts_recv_min"],
        trades["ts_recv_max"],
    )


def test_what_is_lost_leaves_no_object_and_what_is_unnamed_no_manifest(tmp_path: Path) -> None:
    lost = make_tape(tmp_path / "lost", SMALL_TAPES["snapshot_gone"])
    assert ["000000000004", "000000000007"] == sorted(
        path.name.split("-")[-2] for path in lost.glob("ledger/*/*/*.json")
    )
    unnamed = make_tape(tmp_path / "unnamed", SMALL_TAPES["unnamed"])
    assert 1 == len(list(unnamed.glob("ledger/*/*/*.json")))
    assert 2 == len(list(unnamed.glob("tape/book/*/*/*.parquet")))


def test_numbers_are_missing_behind_a_journal_hole() -> None:
    (session,) = read_lines(SMALL_TAPES["journal_hole"])
    numbers = [[row.event_number for row in flush.rows] for flush in session.flushes]
    assert [[0, 1, 2, 3, 4], [9, 10, 11, 12, 13, 14]] == numbers


def test_times_are_seconds_after_noon_or_of_the_day() -> None:
    assert NOON + 1_500_000 == at(1.5)
    assert NOON - 1 == at("11:59:59.999999")
    assert NOON + 43_200_000_000 == at("24:00:00")


def test_a_line_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no event of a tape: what"):
        read_lines("session bitvavo a\nwhat")


@pytest.mark.parametrize("name", SMALL_TAPES)
def test_a_small_tape_is_small(name: str) -> None:
    assert 30 > sum(bool(line.strip()) for line in SMALL_TAPES[name].splitlines())
