from pathlib import Path

import pytest

from booktape.certify.passing import DayResult, Wanted, certify_days
from booktape.errors import NotATape, TapeError, UnknownExchange
from booktape.store.folder import FolderStore
from tests.support.certified import FAR_FUTURE_NS, list_files
from tests.support.hand_tape import A, B, HandTape, delta, feed, snapshot

LEVEL = ("bid", 99.0, 1.0)
TURKISH = "20261122T120000.000000Z-btcturk-a"
TOMORROW_S = 86_400


def make_tape(root: Path) -> HandTape:
    """Write two days of a session that goes on, and one of another exchange."""
    tape = HandTape(root / "tape")
    tape.write(A, feed(0, "session_start"), snapshot(1, 1, LEVEL))
    tape.write(A, delta(TOMORROW_S, 1, LEVEL))
    end = feed(2, "session_end", reason="stopped", events=2)
    tape.write(TURKISH, snapshot(1, 0, LEVEL), end)
    return tape


def run(tape: HandTape, folder: Path, *wanted: str | None) -> list[DayResult]:
    return list(
        certify_days(
            FolderStore(tape.root),
            f"file:{tape.root}",
            Wanted(*wanted),
            folder,
            clock_ns=lambda: FAR_FUTURE_NS,
            progress=lambda _done, _total: None,
        )
    )


def tell(results: list[DayResult]) -> list[tuple[str, str, str]]:
    return [
        (
            one.exchange,
            one.date,
            "certified" if one.certificate else "not over" if one.not_over else "fault",
        )
        for one in results
    ]


def test_each_day_is_certified_that_is_over(tmp_path: Path) -> None:
    tape = make_tape(tmp_path)
    wanted = [
        ("bitvavo", "2026-11-22", "certified"),
        ("bitvavo", "2026-11-23", "not over"),
        ("btcturk", "2026-11-22", "certified"),
    ]
    assert wanted == tell(run(tape, tmp_path / "temp"))
    assert [wanted[1]] == tell(run(tape, tmp_path / "temp"))
    assert [] == list((tmp_path / "temp").iterdir())


def test_one_exchange_or_one_day_can_be_asked_for_and_all_of_them_give_the_same(
    tmp_path: Path,
) -> None:
    whole, parts = make_tape(tmp_path / "whole"), make_tape(tmp_path / "parts")
    run(whole, tmp_path / "temp")
    assert [("btcturk", "2026-11-22", "certified")] == tell(
        run(parts, tmp_path / "temp", "btcturk")
    )
    results = run(parts, tmp_path / "temp", None, "2026-11-22")
    assert [("bitvavo", "2026-11-22", "certified")] == tell(results)
    assert list_files(whole.root) == list_files(parts.root)


def test_a_day_that_fails_does_not_hold_up_the_others(tmp_path: Path) -> None:
    tape = make_tape(tmp_path)
    path = next((tape.root / "tape/book/exchange=bitvavo").rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-3])
    results = run(tape, tmp_path / "temp")
    assert ["fault", "not over", "certified"] == [what for *_, what in tell(results)]
    assert "is damaged" in (results[0].fault or "")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    tape = make_tape(tmp_path)
    with pytest.raises(UnknownExchange, match="it has bitvavo, btcturk"):
        run(tape, tmp_path / "temp", "kraken")
    with pytest.raises(TapeError, match=r"no rows of 2026-11-30 .* has 2026-11-22 to 2026-11-23"):
        run(tape, tmp_path / "temp", None, "2026-11-30")
    with pytest.raises(NotATape):
        run(HandTape(tmp_path / "empty"), tmp_path / "temp")
    assert B
