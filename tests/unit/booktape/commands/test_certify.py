"""The command runs in processes of its own: it bounds them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from booktape.commands.certify import default_folder
from tests.support.commands import make_sample
from tests.support.paths import ROOT


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return make_sample(tmp_path)


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from booktape.commands.main import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, "certify", *map(str, arguments)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_every_day_is_certified_once(tape: Path, tmp_path: Path) -> None:
    done = run(tape, "--temp", tmp_path / "temporary")
    assert (0, "") == (done.returncode, done.stderr)
    assert [
        "bitvavo 2026-09-21: certified, revision 0, degraded; 13,485 rows in 0.2 MB",
        "btcturk 2026-09-21: certified, revision 0, degraded; 18,676 rows in 0.2 MB",
    ] == done.stdout.splitlines()
    again = run("--tape", tape, "--temp", tmp_path / "temporary")
    assert (0, "Nothing to certify.\n", "") == (again.returncode, again.stdout, again.stderr)


def test_what_cannot_be_done_is_told_in_one_line(tape: Path, tmp_path: Path) -> None:
    for arguments, status, said in (
        ((tape, "--exchange", "kraken"), 1, "no exchange 'kraken' on this tape; it has bitvavo"),
        ((tape, "--date", "2026-09-22"), 1, "no rows of 2026-09-22 on this tape"),
        ((tmp_path / "none",), 2, "is unreadable: "),
        ((tape, "--date", "today"), 2, "invalid date value: 'today'"),
    ):
        done = run(*arguments, "--temp", tmp_path / "temporary")
        assert (status, "") == (done.returncode, done.stdout)
        assert said in done.stderr
        assert 1 == len(done.stderr.splitlines())


def test_a_day_that_fails_is_told_and_the_others_are_certified(tape: Path, tmp_path: Path) -> None:
    path = next((tape / "tape/trades/exchange=bitvavo").rglob("*.parquet"))
    path.write_bytes(b"PAR1")
    done = run(tape, "--temp", tmp_path / "temporary")
    assert 1 == done.returncode
    assert done.stdout.startswith("btcturk 2026-09-21: certified")
    assert done.stderr.startswith("booktape: tape/trades/exchange=bitvavo/")


def test_the_folder_of_a_user_is_its_own(tape: Path, tmp_path: Path) -> None:
    assert default_folder().name == f"booktape-certify-{os.getuid()}"
    done = run(tape, TMPDIR=str(tmp_path))
    assert 0 == done.returncode
    assert [] == list((tmp_path / default_folder().name).iterdir())
