from pathlib import Path

import pytest

from booktape.commands.export import TARGETS
from booktape.export.exporting import TARGETS as KNOWN
from tests.support.commands import BTC_EUR, Shell
from tests.support.hand_tape import BTC, ETH, A, HandTape, feed, snapshot, trade

DATE = "2026-09-21"


def test_it_knows_every_target() -> None:
    assert set(KNOWN) == set(TARGETS)


def test_it_says_what_became_of_each_market(shell: Shell, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    arguments = "export", "--to", "parquet", "--date", DATE, "--out", out, "--every", "1h"
    said = shell.run(*arguments, BTC_EUR, BTC_EUR)
    assert (0, "") == (said.status, said.err)
    assert f"{BTC_EUR}  bitvavo_BTC-EUR_{DATE}.parquet  24 rows\n" == said.out
    again = shell.run(*arguments, BTC_EUR)
    assert again.out.endswith("24 rows, was there\n")


def test_a_backtests_steps_are_said(shell: Shell, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    arguments = "--to", "hftbacktest", "--date", DATE, "--out", out, "--lot", "0.001"
    said = shell.run("export", BTC_EUR, *arguments)
    assert 0 == said.status
    assert "tick 1 (instruments), lot 0.001 (given), latency" in said.out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--to", "parquet", "--latency-ms", "3"), "parquet takes no --latency-ms"),
        (("--to", "parquet", "--every", "soon"), "'soon' is no interval"),
    ],
)
def test_what_is_asked_wrongly_is_one_line(
    shell: Shell, tmp_path: Path, arguments: tuple[str, ...], reason: str
) -> None:
    out = str(tmp_path / "out")
    said = shell.run("export", BTC_EUR, "--date", DATE, "--out", out, *arguments)
    assert said.status
    assert (True, 1) == (reason in said.err, said.err.count("\n"))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--to", "excel"), "invalid choice: 'excel'"),
        (("--to", "hftbacktest", "--tick", "0"), "takes a number above 0, not 0"),
        (("--to", "hftbacktest", "--tick", "x"), "takes a number above 0, not x"),
        (("--to", "hftbacktest", "--latency-ms", "-1"), "takes a number from 0, not -1"),
        (
            ("--to", "tardis-csv", "--as-exchange", "../a"),
            "takes letters, digits, '-' and '_', not",
        ),
    ],
)
def test_an_argument_that_is_none_is_wrong_usage(
    shell: Shell,
    tmp_path: Path,
    arguments: tuple[str, ...],
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        shell.run("export", BTC_EUR, "--date", DATE, "--out", str(tmp_path / "out"), *arguments)
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("market", "date", "reason"),
    [
        (BTC_EUR, "2026-09-20", "bitvavo has nothing of 2026-09-20: it has 2026-09-21 to"),
        ("bitvavo:BTC-EUX", DATE, "no market 'bitvavo:BTC-EUX' on this tape; the nearest"),
    ],
)
def test_what_is_not_there_is_one_line(
    shell: Shell, tmp_path: Path, market: str, date: str, reason: str
) -> None:
    out = str(tmp_path / "out")
    said = shell.run("export", market, "--to", "parquet", "--date", date, "--out", out)
    assert (1, 1) == (said.status, said.err.count("\n"))
    assert reason in said.err


def test_a_folder_that_holds_something_else_is_one_line(shell: Shell, tmp_path: Path) -> None:
    arguments = "--to", "parquet", "--date", DATE, "--every", "1h"
    shell.run("export", BTC_EUR, *arguments, "--out", str(tmp_path / "out"))
    for more, reason in (("--depth", "3"), "holds another export"), (("--depth", "10"), ""):
        said = shell.run("export", BTC_EUR, *arguments, *more, "--out", str(tmp_path / "out"))
        assert (bool(reason), reason in said.err) == (bool(said.status), True)
    (tmp_path / "notes.txt").touch()
    said = shell.run("export", BTC_EUR, *arguments, "--out", str(tmp_path))
    assert (1, 1) == (said.status, said.err.count("\n"))
    assert "holds files of no export: choose another folder" in said.err


def test_a_full_disk_is_one_line(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    partial = f"bitvavo_BTC-EUR_{DATE}.npz.partial"
    (tmp_path / "out" / partial).symlink_to("/dev/full")  # it says that there is no space
    arguments = "--to", "hftbacktest", "--date", DATE, "--out", str(tmp_path / "out")
    said = shell.run("export", BTC_EUR, *arguments)
    assert (1, 1) == (said.status, said.err.count("\n"))
    assert f"No space left on device: {tmp_path / 'out'}" in said.err


def test_a_market_that_cannot_be_had_does_not_stop_the_others(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, trade(1, "t"), snapshot(2, 1, ("bid", 9.0, 1.0), symbol=ETH))
    tape.write(A, feed(9, "session_end", reason="stopped"))
    monkeypatch.setattr(shell, "tape", tape.root)
    arguments = "--to", "parquet", "--date", "2026-11-22", "--out", str(tmp_path / "out")
    said = shell.run("export", f"bitvavo:{BTC}", f"bitvavo:{ETH}", *arguments)
    assert 1 == said.status
    assert said.out.startswith(f"bitvavo:{ETH}  ")
    assert said.err.endswith("the book of bitvavo:BTC-EUR is not known on 2026-11-22\n")
