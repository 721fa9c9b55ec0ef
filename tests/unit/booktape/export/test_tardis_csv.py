from pathlib import Path
from typing import Any

import pytest

from booktape.errors import NotKnown, TapeError
from booktape.export.days import Day
from booktape.export.folder import Folder
from booktape.export.tardis_csv import LEVELS, write
from booktape.opening import open_reading, open_tape
from booktape.sample.tape import write_sample
from tests.support.hand_tape import BTC, A, HandTape, at, delta, feed, snapshot, trade
from tests.support.tardis_reader import read_books, read_rows

STOP = feed(60, "session_end", reason="stopped")
DATE = "2026-11-22"


def export(root: Path, market: str, date: str, **options: Any) -> tuple[Path, dict[str, Any]]:
    day = Day(open_reading(root), market, date)
    folder = Folder(root.parent / "out", "tardis-csv", {})
    return folder.path, write(day, folder, **{"as_exchange": None, **options})


def rows_of(out: Path, kind: str) -> list[tuple[Any, ...]]:
    """Return a file's rows, times as seconds, without exchange and symbol."""
    (path,) = out.glob(f"*_{kind}_*")
    found = []
    for row in read_rows(path):
        _, _, *times = list(row.values())[:4]
        seconds = ((int(time) - at(0)) / 1e6 for time in times)
        found.append((*seconds, *list(row.values())[4:]))
    return found


def test_each_file_has_its_columns_and_a_loss_is_removals(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    book = ("bid", 98.0, 2.0), ("bid", 99.0, 1.0), ("ask", 101.0, 3.0)
    tape.write(A, snapshot(1, 0, *book), delta(2, 0, ("bid", 97.5, 0.1), ("ask", 101.0, 0.0)))
    tape.write(A, trade(3, "t1", 99.0, event=2.5), trade(3.5, "t2", 98.0, side=None))
    tape.write(A, feed(4, "gap", BTC), snapshot(6, 3, book[0]), STOP)
    out, facts = export(tape.root, f"bitvavo:{BTC}", DATE, as_exchange="binance")
    assert [
        (1.0, 1.0, "true", "bid", "99", "1"),
        (1.0, 1.0, "true", "bid", "98", "2"),
        (1.0, 1.0, "true", "ask", "101", "3"),
        (2.0, 2.0, "false", "bid", "97.5", "0.1"),
        (2.0, 2.0, "false", "ask", "101", "0"),
        (4.0, 4.0, "false", "bid", "99", "0"),
        (4.0, 4.0, "false", "bid", "98", "0"),
        (4.0, 4.0, "false", "bid", "97.5", "0"),
        (6.0, 6.0, "true", "bid", "98", "2"),
        (60.0, 60.0, "false", "bid", "98", "0"),
    ] == rows_of(out, "incremental_book_L2")
    assert [
        (2.5, 3.0, "t1", "buy", "99", "1"),
        (3.5, 3.5, "t2", "unknown", "98", "1"),
    ] == rows_of(out, "trades")
    assert [
        (1.0, 1.0, "3", "101", "99", "1"),
        (2.0, 2.0, "", "", "99", "1"),
        (4.0, 4.0, "", "", "", ""),
        (6.0, 6.0, "", "", "98", "2"),
        (60.0, 60.0, "", "", "", ""),
    ] == rows_of(out, "quotes")
    levels = rows_of(out, "book_snapshot_25")
    assert ("101", "3", "99", "1", "", "", "98", "2") == levels[0][2:10]
    assert 4 + 4 * 25 == len(LEVELS)
    assert f"binance_trades_{DATE}_{BTC}.csv.gz" in facts["files"]
    assert facts["rows"] == sum(facts["files"].values())


@pytest.mark.parametrize("market", ["bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:ETH-EUR"])
def test_the_format_read_back_is_the_tapes_book_at_every_moment(
    tmp_path: Path, market: str
) -> None:
    root = tmp_path / "tape"
    write_sample(root)
    out, facts = export(root, market, "2026-09-21")
    tape = open_tape(root)
    bounds = [span for known in facts["known"] for span in known]
    moments = sorted({*bounds, *(b - 1 for b in bounds), *range(bounds[0], bounds[-1], 1_700_000)})
    moments = [moment for moment in moments if moment >= bounds[0]]
    (path,) = out.glob("*_incremental_book_L2_*")
    unknown = 0
    for moment, book in zip(moments, read_books(path, moments), strict=True):
        try:
            found = tape.book_at(market, moment)
            sides = {"bid": found.bids, "ask": found.asks}
        except NotKnown:
            unknown += 1
            assert {"bid": {}, "ask": {}} == book
            continue
        expected = {
            side: {row["price"]: row["size"] for row in levels.to_pylist()}
            for side, levels in sides.items()
        }
        assert expected == book
    assert unknown


def test_the_same_day_is_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        tape = HandTape(tmp_path / name / "tape")
        tape.write(A, snapshot(1, 0, ("bid", 98.0, 2.0)), STOP)
        out, _ = export(tape.root, f"bitvavo:{BTC}", DATE)
        files.append([path.read_bytes() for path in sorted(out.glob("*.gz"))])
    assert files[0] == files[1]


def test_a_day_without_a_book_is_refused(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, trade(1, "t"), STOP)
    with pytest.raises(TapeError, match=f"is not known on {DATE}"):
        export(tape.root, f"bitvavo:{BTC}", DATE)
