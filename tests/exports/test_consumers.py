"""What is exported is taken by whom it is for, and is what the tape answers at every step."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from booktape.opening import open_tape
from booktape.sample.tape import write_sample
from tests.support.hand_tape import BTC, A, Event, HandTape, at, delta, feed, snapshot, trade
from tests.support.paths import ROOT
from tests.support.polled_tape import DATE, write_polled
from tests.support.polled_tape import MARKETS as POLLED
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
    """A tape, its one date, and the markets that are compared."""

    root: Path
    date: str
    markets: tuple[str, ...] = MARKETS


@pytest.fixture(scope="module", params=["sample", "polled", "demo"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    root = tmp_path_factory.mktemp(request.param)
    if request.param == "polled":
        write_polled(root)
        return Recorded(root, DATE, POLLED)
    if request.param == "sample":
        write_sample(root)
    else:
        root = record_demo(root, seconds=SECONDS)
    dates = [str(row["date"]) for row in open_tape(root).days().to_arrow().to_pylist()]
    return Recorded(root, max(dates))


def export(recorded: Recorded, target: str, out: Path, *more: str) -> None:
    arguments = "--date", recorded.date, "--out", str(out), "--tape", str(recorded.root)
    command = [PYTHON, "-P", "-m", "booktape.commands.main", "export", "--to", target]
    subprocess.run([*command, *recorded.markets, *arguments, *more], check=True)


def check(name: str, recorded: Recorded, market: str, out: Path, *more: str) -> dict[str, Any]:
    script = ROOT / "tests" / "exports" / f"check_{name}.py"
    arguments = [str(recorded.root), market, recorded.date, str(out), *more]
    done = subprocess.run(
        [PYTHON, "-P", str(script), *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def test_a_backtest_reads_a_file_that_is_stored(tmp_path: Path) -> None:
    write_polled(tmp_path / "tape")
    recorded = Recorded(tmp_path / "tape", DATE, POLLED)
    export(recorded, "hftbacktest", tmp_path / "out", "--stored")
    for market in POLLED:
        assert 0 == check("hftbacktest", recorded, market, tmp_path / "out", "100")["wrong"]


@pytest.mark.parametrize(("target", "more"), [("hftbacktest", ["100"]), ("nautilus", [])])
def test_a_backtest_sees_the_tapes_best_prices_and_none_in_a_gap(
    recorded: Recorded, tmp_path: Path, target: str, more: list[str]
) -> None:
    out = tmp_path / "out"
    export(recorded, target, out)
    said = [check(target, recorded, market, out, *more) for market in recorded.markets]
    assert {0} == {each["wrong"] for each in said}
    assert all(each["steps"] >= STEPS for each in said)
    assert sum(each["unknown"] for each in said) >= STEPS_IN_GAPS
    crossed = sum(each.get("crossed", 0) for each in said)
    assert crossed < sum(each["steps"] for each in said) / 10


def test_nautilus_reads_tardis_files_under_a_name_that_it_knows(
    recorded: Recorded, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(recorded, "tardis-csv", out, "--as-exchange", "binance")
    for market in recorded.markets:
        said = check("tardis_csv", recorded, market, out)
        assert said["read"] == said["written"]


@pytest.mark.parametrize(("model", "second"), [("careful", 10), ("probable", 8)])
def test_an_order_that_rests_over_an_audit_keeps_its_place(
    tmp_path: Path, model: str, second: float
) -> None:
    """Ten are before it; six of these are sold, and the audit finds that three have left.

    The careful queue has four before the order still, the probable one a little more than three:
    four that are sold then fill the order, or one more.
    """
    ours = ("bid", 99.0, 10.0), ("bid", 98.0, 5.0), ("ask", 101.0, 5.0)
    audited = ("bid", 99.0, 7.0), ("bid", 98.0, 6.0), ("ask", 101.0, 5.0), ("ask", 103.0, 1.0)
    tape = HandTape(tmp_path / "tape")
    tape.write(A, snapshot(1, 0, *ours), sell(3, 6.0), delta(3, 0, ("bid", 99.0, 4.0)))
    tape.write(A, delta(4, 0, ("bid", 99.0, 10.0)), snapshot(6, 4, *audited), sell(8, 4.0))
    tape.write(A, delta(8, 4, ("bid", 99.0, 3.0)), sell(10, 1.0), delta(10, 4, ("bid", 99.0, 2.0)))
    tape.write(A, feed(60, "session_end", reason="stopped"))
    recorded = Recorded(tape.root, DATE, (f"bitvavo:{BTC}",))
    export(recorded, "hftbacktest", tmp_path / "out", "--tick", "1", "--lot", "0.01")
    said = check("queue", recorded, recorded.markets[0], tmp_path / "out", "99", model)
    assert 0 <= said["filled"] - at(second) < 1_000_000


def sell(second: float, size: float) -> Event:
    return trade(second, f"t{second}", 99.0, event=second - 0.01, side="sell", size=size)
