from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

import booktape
from booktape.certify.certifying import certify
from booktape.certify.days import Days
from booktape.errors import AlreadyStored, TapeError
from booktape.ledger import Ledger
from booktape.release import RELEASE
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all, list_files
from tests.support.hand_tape import BTC, ETH, A, B, HandTape, delta, feed, snapshot, ticker, trade

LEVEL = ("bid", 99.0, 1.0)
PLACE = "exchange=bitvavo/date=2026-11-22"


def make_tape(root: Path) -> HandTape:
    tape = HandTape(root / "tape")
    tape.write(A, feed(0, "session_start"), snapshot(1, 1, LEVEL), snapshot(1, 2, symbol=ETH))
    tape.write(A, delta(2, 1, LEVEL), trade(3, "t1"), ticker(4))
    return tape


def test_a_day_is_one_file_a_table_and_a_certificate(tmp_path: Path) -> None:
    tape = make_tape(tmp_path)
    [certificate] = certify_all(tape.root, tmp_path / "temporary")
    tables = ("book", "feed_events", "ticker", "trades")
    wanted = {f"daily/{table}/{PLACE}/rev=0/{table}.parquet" for table in tables}
    assert wanted | {f"daily/certificates/{PLACE}/rev=0.json"} == set(list_files(tape.root))
    assert (RELEASE, pa.__version__) == (certificate.release, certificate.pyarrow)
    assert [(0, 2), (3, 5)] == [(one.first, one.last) for one in certificate.manifests]
    assert 2 == len({one.sha256 for one in certificate.manifests})


def test_a_revision_has_only_what_came_late_and_a_pattern_has_each_row_once(
    tmp_path: Path,
) -> None:
    tape = make_tape(tmp_path)
    certify_all(tape.root, tmp_path / "temporary")
    before = list_files(tape.root)
    tape.write(B, snapshot(1, 0, LEVEL))
    [second] = certify_all(tape.root, tmp_path / "temporary")
    after = list_files(tape.root)
    assert before.items() <= after.items()
    assert [1, 0, 0] == [one.revision for one in second.manifests]  # by session
    rows = [
        (row["session"], row["event_number"])
        for path in (tape.root / "daily/book").rglob("*.parquet")
        for row in parquet.ParquetFile(path).read().to_pylist()
    ]
    assert sorted([(A, 1), (A, 2), (A, 3), (B, 0)]) == sorted(rows)


def test_the_same_tape_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (make_tape(tmp_path / name) for name in ("one", "two"))
    for tape in (first, second):
        certify_all(tape.root, tmp_path / "temporary")
    assert list_files(first.root) == list_files(second.root)


def test_schema_1_is_certified_as_the_newest(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, snapshot(1, 0, LEVEL), version=1)
    [certificate] = certify_all(tape.root, tmp_path / "temporary")
    assert [1] == [one.version for one in certificate.manifests]
    rows = booktape.open(tape.root).scan("book").to_arrow().to_pylist()
    assert [None] == [row["previous"] for row in rows]


def test_another_certifier_may_be_faster(tmp_path: Path) -> None:
    tape = make_tape(tmp_path)
    store = FolderStore(tape.root)
    plan = Days(store, Ledger(store, "file:", certified=False)).plan(
        "bitvavo", "2026-11-22", clock_ns=None
    )
    assert plan is not None
    found = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        found.append(certify(store, "file:", plan, folder, lambda _done, _total: None))
    assert found[0] == found[1]
    [path] = (tape.root / "daily/certificates").rglob("*.json")
    path.write_bytes(b"{}")
    (tmp_path / "three").mkdir()
    with pytest.raises(AlreadyStored):
        certify(store, "file:", plan, tmp_path / "three", lambda _done, _total: None)


def test_somebody_elses_file_in_its_place_is_not_touched(tmp_path: Path) -> None:
    tape = make_tape(tmp_path)
    key = f"daily/trades/{PLACE}/rev=0/trades.parquet"
    tape.put(key, b"somebody else's")
    with pytest.raises(TapeError, match=f"{key} is no file of a day"):
        certify_all(tape.root, tmp_path / "temporary")
    assert {key: b"somebody else's"} == list_files(tape.root)


def test_progress_is_told(tmp_path: Path) -> None:
    tape = make_tape(tmp_path)
    store = FolderStore(tape.root)
    plan = Days(store, Ledger(store, "file:", certified=False)).plan(
        "bitvavo", "2026-11-22", clock_ns=None
    )
    assert plan is not None
    told: list[tuple[int, int]] = []
    (tmp_path / "folder").mkdir()
    certify(store, "file:", plan, tmp_path / "folder", lambda *done: told.append(done))
    assert [(1, 1), (2, 3), (3, 3)] == told[:3]  # the feed, then the book
    assert BTC
