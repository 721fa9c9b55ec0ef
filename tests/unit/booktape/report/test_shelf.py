from pathlib import Path

from booktape.ledger import Ledger
from booktape.report.shelf import find_due, report_key
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all
from tests.support.hand_tape import A, HandTape, snapshot

LEVEL = ("bid", 99.0, 1.0)
DAY_S = 86_400
TURK = "20261122T120000.000000Z-btcturk-a"


def due(root: Path) -> list[tuple[str, str]]:
    store = FolderStore(root)
    return list(find_due(Ledger(store, "file:"), store))


def test_a_report_is_due_once_all_exchanges_are_certified(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, snapshot(1, 0, LEVEL))
    assert [] == due(tape.root)
    certify_all(tape.root, tmp_path / "temporary")
    key = "reports/report-2026-11-22.html"
    assert [("2026-11-22", key)] == due(tape.root)
    tape.write(TURK, snapshot(1, 0, LEVEL))
    assert [] == due(tape.root)  # not before the other one is certified too
    certify_all(tape.root, tmp_path / "temporary")
    assert [("2026-11-22", key)] == due(tape.root)
    tape.put(key, b"<html>")
    assert [] == due(tape.root)


def test_rows_that_came_late_make_another_report(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, snapshot(1, 0, LEVEL))
    certify_all(tape.root, tmp_path / "temporary")
    tape.put(report_key("2026-11-22", 0), b"<html>")
    tape.write(A, snapshot(2, 1, LEVEL))
    certify_all(tape.root, tmp_path / "temporary")
    assert [("2026-11-22", "reports/report-2026-11-22-rev1.html")] == due(tape.root)


def test_of_an_old_tape_the_last_days_are_enough(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    for day in range(9):
        tape.write(A, snapshot(day * DAY_S, day, LEVEL))
    certify_all(tape.root, tmp_path / "temporary")
    dates = [date for date, _ in due(tape.root)]
    assert ("2026-11-24", "2026-11-30", 7) == (dates[0], dates[-1], len(dates))
