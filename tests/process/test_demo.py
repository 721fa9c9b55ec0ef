import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.simulator.found import find_names
from tests.process.standing import REAL, WAIT_S, Standing, wait_until

pytestmark = [pytest.mark.process, pytest.mark.slow]

HANDED, RESTARTED, *OTHERS = find_names()


def read_truth(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def find_gaps(truth: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    return sorted(
        (line["symbol"], line["sequence_expected"], line["sequence_received"])
        for line in truth
        if line["type"] == "fault" and line["is_gap"]
    )


def is_well(standing: Standing) -> bool:
    return standing.booktape("status").returncode == 0


def session(standing: Standing, name: str) -> str:
    status = json.loads(standing.booktape("status", "--json").stdout)
    reports: dict[str, dict[str, str]] = {
        process["name"]: process["report"] for process in status["processes"]
    }
    return reports[name]["session"]


def test_a_demo_with_a_handover_and_a_restart_leaves_a_whole_tape(tmp_path: Path) -> None:
    standing = Standing(tmp_path, REAL)
    arguments = ["demo", "--seconds", "40", "--symbols", "5", "--faults", "gap"]
    with subprocess.Popen(
        [str(tmp_path / "bin" / "booktape"), *arguments],
        cwd=tmp_path,
        env=standing.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        demo_folder = tmp_path / "demo"
        conf = str(demo_folder / "var" / "run" / "supervisor.conf")
        standing.environment["BOOKTAPE_CONFIG"] = str(demo_folder / "booktape.toml")
        wait_until(lambda: is_well(standing))
        before = session(standing, f"ingest_{HANDED}-a")
        handover = standing.booktape("handover", HANDED)
        assert 0 == handover.returncode, handover.stderr
        after = session(standing, f"ingest_{HANDED}-a")
        assert before != after
        assert 0 == standing.control("restart", f"ingest_{RESTARTED}", conf=conf).returncode
        wait_until(lambda: is_well(standing))
        assert after == session(standing, f"ingest_{HANDED}-a")
        said, _ = demo.communicate(timeout=WAIT_S)
    assert 0 == demo.returncode, said
    assert "drained: all of it is in the store\n" in said
    assert "The tape is whole.\n" in said
    report = json.loads(standing.booktape("verify", "file:demo/data", "--json").stdout)
    assert report["ok"]
    lines = sorted(name["session"].split("Z-")[1] for name in report["sessions"])
    expected = [f"{HANDED}-a", f"{HANDED}-a", f"{HANDED}-b", f"{RESTARTED}-a", f"{RESTARTED}-a"]
    assert sorted([*expected, *(f"{name}-a" for name in OTHERS)]) == lines
    for exchange in (HANDED, RESTARTED, *OTHERS):
        truth = read_truth(demo_folder / "truth" / f"{exchange}.jsonl")
        assert 5 == sum(line["type"] == "book" for line in truth)
        gaps = sorted(
            (gap["symbol"], gap["sequence_expected"], gap["sequence_received"])
            for one in report["sessions"]
            if f"-{exchange}-" in one["session"]
            for gap in one["gaps"]
            if gap["sequence_expected"] is not None
        )
        assert find_gaps(truth) == gaps
        assert gaps


def test_an_earlier_demo_stays_unless_it_is_to_be_fresh(tmp_path: Path) -> None:
    standing = Standing(tmp_path, REAL)
    short = ["demo", "--seconds", "1", "--symbols", "1"]
    assert 0 == standing.booktape(*short).returncode
    tape = set((tmp_path / "demo" / "data").rglob("*.parquet"))
    assert tape
    again = standing.booktape(*short)
    assert 1 == again.returncode
    assert "booktape: " in again.stderr
    assert "remove it with --fresh" in again.stderr
    assert tape == set((tmp_path / "demo" / "data").rglob("*.parquet"))
    assert 0 == standing.booktape(*short, "--fresh").returncode
    assert tape.isdisjoint((tmp_path / "demo" / "data").rglob("*.parquet"))
