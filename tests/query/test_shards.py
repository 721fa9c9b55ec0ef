"""A tape's work is shared without anybody who hands it out, and comes out the same."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import booktape
from tests.support.certified import list_files
from tests.support.commands import make_sample
from tests.support.paths import ROOT

PYTHON = os.environ.get("BOOKTAPE_TEST_QUERY", "")
BLOCK = re.compile(r"```(?:sh|python) (\w+)\n(.*?)```", re.DOTALL)
BLOCKS = dict(BLOCK.findall((ROOT / "docs/query.md").read_text(encoding="utf-8")))

pytestmark = [
    pytest.mark.readers,
    pytest.mark.skipif(not PYTHON, reason="make test-readers has what it needs"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_sample(tmp_path)
    return tmp_path


def run(folder: Path, *command: str, text: str = "", **more: str) -> str:
    path = f"{Path(PYTHON).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, **more},
        input=text,
        check=False,
        capture_output=True,
        text=True,
    )
    assert 0 == ran.returncode, ran.stderr
    return ran.stdout


def certify_at_once(folder: Path) -> dict[str, bytes]:
    """Return what one process makes of the whole tape."""
    whole = folder / "whole"
    whole.mkdir()
    shutil.copytree(folder / "try", whole / "try", ignore=shutil.ignore_patterns("daily"))
    run(whole, "booktape", "certify", "try", "--temp", "temp")
    return list_files(whole / "try")


def test_two_workers_of_dask_make_what_one_process_makes(folder: Path) -> None:
    (folder / "share.py").write_text(BLOCKS["dask"])
    printed = run(folder, PYTHON, "-P", "share.py").splitlines()
    assert certify_at_once(folder) == list_files(folder / "try")
    tape = booktape.open(folder / "try", certified=False)
    for market in ("bitvavo:BTC-EUR", "bitvavo:ETH-EUR", "btcturk:BTC-TRY"):
        start, end = "2026-09-21T00:00Z", "2026-09-21T23:59:59Z"
        assert str((market, tape.trades(market, start, end).count())) in printed
        alone = folder / "alone"
        command = ["booktape", "export", market, "--tape", "try", "--date", "2026-09-21"]
        run(folder, *command, "--to", "parquet", "--out", str(alone))
        [wanted], [found] = (
            list(path.rglob("*.parquet"))
            for path in (alone, folder / f"out-{market.replace(':', '-')}")
        )
        assert wanted.read_bytes() == found.read_bytes()
        shutil.rmtree(alone)


def test_a_plain_shell_and_the_children_of_an_array_do_so_too(folder: Path) -> None:
    wanted = certify_at_once(folder)
    run(folder, "sh", "-eu", text=BLOCKS["shell"])
    assert wanted == list_files(folder / "try")
    shutil.rmtree(folder / "try/daily")
    for index in ("1", "0", "1"):  # in any order, one of them twice
        run(folder, "sh", "-eu", text=BLOCKS["batch"], AWS_BATCH_JOB_ARRAY_INDEX=index)
    assert wanted == list_files(folder / "try")
