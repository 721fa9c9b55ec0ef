"""What is exported is taken by whom it is for, and is what the tape answers at every step."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from booktape.opening import open_tape
from booktape.sample.tape import write_sample
from tests.support.catalog_reader import CatalogRow, read_catalog_books
from tests.support.exported import (
    check_changes,
    check_ticks,
    check_tops,
    check_trades,
    compare_flat,
)
from tests.support.hand_tape import BTC, A, Event, HandTape, at, delta, feed, snapshot, trade
from tests.support.paths import ROOT
from tests.support.polled_tape import DATE, write_polled
from tests.support.polled_tape import MARKETS as POLLED
from tests.support.recorded import record_demo, record_polled_demo
from tests.support.stepped import Steps, choose_moments, compare_books
from tests.support.tardis_reader import read_books

# `make test-exports` has it: an environment with the consumers and the library's wheel.
PYTHON = os.environ.get("BOOKTAPE_TEST_EXPORTS", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="needs the consumers: make test-exports"),
]
SECONDS = int(os.environ.get("BOOKTAPE_TEST_EXPORTS_SECONDS", "600"))
MARKETS = ("bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:USDT-EUR", "btcturk:USDT-TRY")
POLLED_SECONDS = min(SECONDS, 240)
STEPS, GAP_SHARE = 1_000, 0.05  # of each target on each tape
SAMPLE_GAP_SHARE = 0.03  # a sample's gaps are short


class Recorded(NamedTuple):
    """A tape, its one date, and the markets that are compared."""

    root: Path
    date: str
    markets: tuple[str, ...] = MARKETS
    gap_share: float = GAP_SHARE


@pytest.fixture(scope="module", params=["sample", "polled", "polled demo", "demo"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    root = tmp_path_factory.mktemp(request.param.replace(" ", "_"))
    if request.param == "polled":
        write_polled(root)
        return Recorded(root, DATE, POLLED)
    if request.param == "sample":
        write_sample(root)
        return Recorded(root, find_last_day(root), gap_share=SAMPLE_GAP_SHARE)
    if request.param == "polled demo":
        root = record_polled_demo(root, seconds=POLLED_SECONDS)
    else:
        root = record_demo(root, seconds=SECONDS)
    return Recorded(root, find_last_day(root))


def find_last_day(root: Path) -> str:
    return max(str(row["date"]) for row in open_tape(root).days().to_arrow().to_pylist())


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
    compared = [Steps(each["steps"], each["unknown"], each["wrong"]) for each in said]
    demand(compared, recorded.gap_share)
    crossed = sum(each.get("crossed", 0) for each in said)
    assert crossed < sum(each["steps"] for each in said) / 10


def demand(compared: list[Steps], gap_share: float) -> None:
    """Fail unless enough moments were compared, enough of them in gaps, and all were right."""
    assert [0] * len(compared) == [each.wrong for each in compared]
    steps = sum(each.steps for each in compared)
    assert steps >= STEPS
    assert sum(each.unknown for each in compared) >= gap_share * steps


def facts_of(recorded: Recorded, market: str, out: Path) -> dict[str, Any]:
    name = f"{market.replace(':', '_')}_{recorded.date}.json"
    facts: dict[str, Any] = json.loads((out / name).read_text())
    return facts


def test_a_catalog_has_each_row_and_makes_the_tapes_books(
    recorded: Recorded, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(recorded, "nautilus", out)
    compared = []
    for market in recorded.markets:
        facts = facts_of(recorded, market, out)
        script = str(ROOT / "tests" / "exports" / "read_nautilus.py")
        arguments = [str(out), facts["file"], str(tmp_path)]
        subprocess.run([PYTHON, "-P", script, *arguments], check=True)
        lines = (tmp_path / "deltas").read_text().splitlines()
        rows = [CatalogRow(*json.loads(line)) for line in lines]
        assert facts["rows"] == len(rows) + len((tmp_path / "trades").read_text().splitlines())
        moments = choose_moments([(start, end) for start, end in facts["known"]])
        books = read_catalog_books(rows, moments)
        compared.append(compare_books(recorded.root, market, moments, books))
        check_changes(recorded.root, market, recorded.date, rows)
        check_ticks(recorded.root, market, recorded.date, tmp_path / "trades")
    demand(compared, recorded.gap_share)


def test_files_of_the_format_of_tardis_make_the_tapes_books(
    recorded: Recorded, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(recorded, "tardis-csv", out)
    compared = []
    for market in recorded.markets:
        facts = facts_of(recorded, market, out)
        paths = {
            name.split("_", 1)[1].partition(f"_{recorded.date}")[0]: out / name
            for name in facts["files"]
        }
        moments = choose_moments([(start, end) for start, end in facts["known"]])
        books = read_books(paths["incremental_book_L2"], moments)
        compared.append(compare_books(recorded.root, market, moments, books))
        for kind, depth in (("quotes", 1), ("book_snapshot_25", 25)):
            check_tops(recorded.root, market, paths[kind], depth)
        check_trades(recorded.root, market, recorded.date, paths["trades"])
    demand(compared, recorded.gap_share)


def test_flat_best_levels_are_the_tapes(recorded: Recorded, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(recorded, "parquet", out, "--every", "100ms", "--depth", "5")
    compared = []
    for market in recorded.markets:
        facts = facts_of(recorded, market, out)
        span = facts["known"][0][0], facts["known"][-1][1]
        compared.append(compare_flat(recorded.root, market, out / facts["file"], span))
    demand(compared, recorded.gap_share)


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
