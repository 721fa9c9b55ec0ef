"""What is exported is taken by whom it is for, and is what the tape answers at every step."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from booktape.commands.main import main
from booktape.opening import open_tape
from booktape.sample.tape import write_sample
from tests.support.paths import ROOT
from tests.support.recorded import record_demo

# `make test-exports` has it: an environment with the consumers and the library's wheel.
PYTHON = os.environ.get("BOOKTAPE_TEST_EXPORTS", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="needs the consumers: make test-exports"),
]
SECONDS = int(os.environ.get("BOOKTAPE_TEST_EXPORTS_SECONDS", "600"))
MARKETS = ("bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:USDT-EUR", "btcturk:USDT-TRY")
STEPS, STEPS_IN_GAPS = 1_000, 50


class Recorded(NamedTuple):
    """A tape, and its one date."""

    root: Path
    date: str


@pytest.fixture(scope="module", params=["sample", "demo"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    root = tmp_path_factory.mktemp(request.param)
    if request.param == "sample":
        write_sample(root)
    else:
        root = record_demo(root, seconds=SECONDS)
    dates = [str(row["date"]) for row in open_tape(root).days().to_arrow().to_pylist()]
    return Recorded(root, max(dates))


def export(recorded: Recorded, target: str, out: Path, *more: str) -> None:
    arguments = "--date", recorded.date, "--out", str(out), "--tape", str(recorded.root), *more
    assert 0 == main(["export", "--to", target, *MARKETS, *arguments])


def check(name: str, recorded: Recorded, market: str, out: Path, *more: str) -> dict[str, Any]:
    script = ROOT / "tests" / "exports" / f"check_{name}.py"
    arguments = [str(recorded.root), market, recorded.date, str(out), *more]
    done = subprocess.run(
        [PYTHON, "-P", str(script), *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def test_a_backtest_of_hftbacktest_sees_the_tapes_best_prices(
    recorded: Recorded, tmp_path: Path
) -> None:
    export(recorded, "hftbacktest", tmp_path / "out")
    said = [check("hftbacktest", recorded, market, tmp_path / "out", "100") for market in MARKETS]
    assert {0} == {each["wrong"] for each in said}
    assert all(each["steps"] >= STEPS for each in said)
    assert sum(each["unknown"] for each in said) >= STEPS_IN_GAPS
