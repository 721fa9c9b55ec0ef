from pathlib import Path

import pytest

from booktape.errors import BooktapeError
from booktape.keys import TABLES
from booktape.proof.verify import verify
from booktape.sample.story import LAST, NOON, SECOND
from booktape.sample.tape import write_sample
from booktape.store.folder import FolderStore
from tests.support.reference.reader import Reference

FEES = {"bitvavo": 0.0025, "btcturk": 0.001}


def read_all(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_sample_is_whole_and_names_what_happened(tmp_path: Path) -> None:
    sessions = write_sample(tmp_path)
    report = verify(FolderStore(tmp_path))
    assert report.ok, report.faults
    assert [] == report.pending
    assert sorted(sessions) == [session.session for session in report.sessions]
    assert all(session.ended for session in report.sessions)
    assert 2 == sum(len(session.gaps) for session in report.sessions)
    outages = [row.kind for session in report.sessions for row in session.outages]
    assert ["disconnected", "disconnected", "session_end", "stale"] == sorted(outages)


def test_the_sample_has_every_table_of_both_exchanges(tmp_path: Path) -> None:
    write_sample(tmp_path)
    for table in TABLES:
        folders = {path.name for path in (tmp_path / "tape" / table).iterdir()}
        assert {"exchange=bitvavo", "exchange=btcturk"} == folders


def test_the_sample_is_small(tmp_path: Path) -> None:
    write_sample(tmp_path)
    assert sum(len(data) for data in read_all(tmp_path).values()) < 2_000_000


def test_one_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    write_sample(tmp_path / "one")
    write_sample(tmp_path / "two")
    assert read_all(tmp_path / "one") == read_all(tmp_path / "two")
    write_sample(tmp_path / "other", seed=8)
    assert read_all(tmp_path / "one") != read_all(tmp_path / "other")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(BooktapeError, match="is not empty; name a new folder"):
        write_sample(tmp_path)
    assert ["mine"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("base", ["BTC", "ETH"])
def test_both_ways_pay_for_a_while_and_most_of_the_time_neither(tmp_path: Path, base: str) -> None:
    write_sample(tmp_path)
    markets = [
        ("bitvavo", f"{base}-EUR"),
        ("btcturk", f"{base}-TRY"),
        ("bitvavo", "USDT-EUR"),
        ("btcturk", "USDT-TRY"),
    ]
    rows = Reference(tmp_path).spread(markets, NOON, LAST, fees=FEES, every=SECOND, depth=20)
    known = [row for row in rows if row is not None]
    first = sum(row.a_to_b.profit > 0 for row in known)
    second = sum(row.b_to_a.profit > 0 for row in known)
    assert 10 < first < 40
    assert 10 < second < 40
    assert len(known) > 200
