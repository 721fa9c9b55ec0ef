from pathlib import Path

from pyarrow import parquet

from booktape.manifest import decode_manifest
from booktape.proof.verify import verify
from booktape.sample.flushes import cut_flushes
from booktape.sample.market import MarketHistory, Move
from booktape.sample.recording import SampleRecording
from booktape.store.folder import FolderStore
from booktape.tables import SCHEMAS

NOON = 1_789_992_000_000_000
MINUTE = 60_000_000
MIDNIGHT = NOON + 720 * MINUTE


def write(root: Path, start: int) -> None:
    moves = [Move(start, 70, [(99.0, 1.0), (98.0, 1.0)], [(101.0, 2.0)])]
    moves += [Move(start + n * MINUTE // 2, 70 + n, [], []) for n in range(1, 4)]
    recording = SampleRecording("bitvavo", "a", start, latency_us=0)
    recording.note(start, "session_start")
    recording.follow(MarketHistory("BTC-EUR", 1, moves, []), start, start + 9 * MINUTE)
    recording.end(start + 2 * MINUTE, "stopped")
    events = recording.number()
    for flush in cut_flushes(recording.session, "bitvavo", events, interval_us=MINUTE):
        flush.write(root)


def test_each_interval_is_a_flush_that_proves_itself(tmp_path: Path) -> None:
    write(tmp_path, NOON)
    paths = sorted(tmp_path.glob("ledger/*/*/*.json"))
    manifests = [decode_manifest(path.read_bytes()) for path in paths]
    # A start, a snapshot, a change and its ticker; two changes; the end.
    assert [(0, 3), (4, 5), (6, 6)] == [(one.first, one.last) for one in manifests]
    report = verify(FolderStore(tmp_path))
    assert (True, []) == (report.ok, report.pending)


def test_the_rows_have_the_columns_of_the_tape(tmp_path: Path) -> None:
    write(tmp_path, NOON)
    first, *_ = sorted(tmp_path.glob("tape/book/*/*/*.parquet"))
    rows = parquet.ParquetFile(first).read()
    assert SCHEMAS["book"].equals(rows.schema, check_metadata=True)
    assert [("bid", 99.0), ("bid", 98.0), ("ask", 101.0), (None, None)] == [
        (row["side"], row["price"]) for row in rows.to_pylist()
    ]


def test_a_flush_ends_at_midnight(tmp_path: Path) -> None:
    write(tmp_path, MIDNIGHT - MINUTE)
    dates = {path.parent.name for path in tmp_path.glob("ledger/*/*/*.json")}
    assert {"date=2026-09-21", "date=2026-09-22"} == dates
    assert verify(FolderStore(tmp_path)).ok
