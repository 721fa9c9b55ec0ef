"""What is exported is taken by whom it is for, and is what the tape answers at every step."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

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
    arguments = "--date", recorded.date, "--out", str(out), "--tape", str(recorded.root)
    command = [PYTHON, "-P", "-m", "booktape.commands.main", "export", "--to", target]
    subprocess.run([*command, *MARKETS, *arguments, *more], check=True)


def check(name: str, recorded: Recorded, market: str, out: Path, *more: str) -> dict[str, Any]:
    script = ROOT / "tests" / "exports" / f"check_{name}.py"
    arguments = [str(recorded.root), market, recorded.date, str(out), *more]
    done = subprocess.run(
        [PYTHON, "-P", str(script), *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


@pytest.mark.parametrize(("target", "more"), [("hftbacktest", ["100"]), ("nautilus", [])])
def test_a_backtest_sees_the_tapes_best_prices_and_none_in_a_gap(
    recorded: Recorded, tmp_path: Path, target: str, more: list[str]
) -> None:
    out = tmp_path / "out"
    export(recorded, target, out)
    said = [check(target, recorded, market, out, *more) for market in MARKETS]
    assert {0} == {each["wrong"] for each in said}
    assert all(each["steps"] >= STEPS for each in said)
    assert sum(each["unknown"] for each in said) >= STEPS_IN_GAPS


def test_nautilus_reads_tardis_files_under_a_name_that_it_knows(
    recorded: Recorded, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(recorded, "tardis-csv", out, "--as-exchange", "binance")
    for market in MARKETS:
        said = check("tardis_csv", recorded, market, out)
        assert said["read"] == said["written"]
