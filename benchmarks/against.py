"""Measures against an earlier commit: the CPU of the live peak, and of a saturated ingest.

    python -m benchmarks.against v0.1.0

The earlier commit gets a checkout and an environment of its own under `.benchmarks`. The trees go
by turns, the order changing: books and trades of every market, with a flush every `--flush` seconds
(or by rows, where a commit's `flush_rows` are reached before), then as fast as it goes. The
recorder has a core of its own, the simulators have the other.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from math import ceil
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.results import FOLDER, Run
from benchmarks.sustained import (
    BOOKS_AND_TRADES,
    MARKETS,
    SETTLE_S,
    configure,
    on_core,
    start_simulator,
)
from benchmarks.truth import compare
from benchmarks.usage import cpu_s, descendants
from benchmarks.walk import ROOT, prove, wait_for
from services.operator.commands.demo_folder import STATE, make_environment
from services.operator.commands.simulators import Simulators
from shared.process.state import StateFolder, ingest_name

RECORDING: Final = ("write", "ingest bitvavo", "ingest btcturk")
WORDS: Final = frozenset(" ".join(RECORDING).split())
START_S: Final = 90.0  # until every book is live
FLUSH_S: Final = 60.0
SPARE_S: Final = 40.0  # for the flush with the snapshots of all books
LIVE_S: Final = 180.0
END_S: Final = 180.0


class Feed(Struct):
    """The report of an ingest of any version, as far as it is needed here."""

    state: str


Costs = dict[str, float]  # of each process: CPU-seconds of the window, or µs an event


def main() -> None:
    """Measure both, print the ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against", description=__doc__)
    parser.add_argument("commit", help="the earlier one; anything that git takes")
    parser.add_argument("--rounds", type=int, default=3, help="of each comparison; 3")
    parser.add_argument("--seconds", type=float, default=LIVE_S, help="of the live peak; 180")
    parser.add_argument("--flush", type=float, default=FLUSH_S, help="flush_interval_s; 60")
    parser.add_argument("--only", action="append", choices=["live peak", "saturated"])
    options = parser.parse_args()
    trees = {"before": prepare(options.commit), "now": ROOT}
    print(f"{'':27} {'before':>9} {'now':>9} {'ratio':>9}")
    comparisons: dict[str, Callable[[int], dict[str, Costs]]] = {
        "live peak": lambda turn: run_peak(trees, options.seconds, options.flush, turn),
        "saturated": lambda turn: run_saturated(trees, turn),
    }
    for name in options.only or comparisons:
        ratios = [_print(name, comparisons[name](turn)) for turn in range(options.rounds)]
        print(f"{name}: CPU now of that before, median of {len(ratios)}: {median(ratios):.3f}\n")


def prepare(commit: str) -> Path:
    """Return a checkout of a commit with an environment; make it where needed."""
    name = _output("git", "rev-parse", "--short", f"{commit}^{{commit}}").strip()
    tree = FOLDER / f"tree-{name}"
    if not tree.exists():
        print(f"making {tree.name}", file=sys.stderr)
        _output("git", "worktree", "prune")
        _output("git", "worktree", "add", "--detach", str(tree), name)
    _output("make", "--silent", "-C", str(tree), ".venv/.test")
    return tree


def _output(*command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    return done.stdout


def _print(name: str, costs: Mapping[str, Costs]) -> float:
    """Print the costs of both trees; return the ratio of their sums."""
    before, now = (costs[tree] | {"all": sum(costs[tree].values())} for tree in ("before", "now"))
    for process, cost in before.items():
        ratio = f"{now[process] / cost:9.3f}"
        print(f"{name:10} {process:16} {cost:9.2f} {now[process]:9.2f} {ratio}", flush=True)
    return now["all"] / before["all"]


def run_saturated(trees: Mapping[str, Path], turn: int) -> dict[str, Costs]:
    """Run the benchmark `saturated` of each tree once; return its microseconds an event."""
    costs = {}
    for name in _order(trees, turn):
        folder = trees[name] / ".benchmarks"
        python = str(trees[name] / ".venv" / "bin" / "python")
        subprocess.run(
            [python, "-m", "benchmarks", "saturated", "--rounds", "1"],
            cwd=trees[name],
            check=True,
            capture_output=True,
        )
        run = msgspec.json.decode(max(folder.glob("*-saturated.json")).read_bytes(), type=Run)
        figures = {figure.name: figure.value for figure in run.figures["saturated"]}
        costs[name] = {process: figures[process] for process in ("ingest", "writer")}
    return costs


def _order(trees: Mapping[str, Path], turn: int) -> list[str]:
    return sorted(trees, reverse=turn % 2 == 0)


def run_peak(
    trees: Mapping[str, Path], seconds: float, flush_s: float, turn: int
) -> dict[str, Costs]:
    """Record with each tree; return CPU-seconds, once the tapes are proven whole."""
    return {name: record_peak(trees[name], seconds, flush_s) for name in _order(trees, turn)}


def record_peak(tree: Path, seconds: float, flush_s: float) -> Costs:
    """Record with one tree; return the CPU-seconds of so many seconds, without the first flush."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="booktape-"))
        simulators = stack.enter_context(Simulators())
        recorder = Recorder(tree, Path(folder), simulators, flush_s)
        stack.callback(recorder.stop)
        end_s = time.monotonic() + ceil(START_S / flush_s) * flush_s + SPARE_S
        wait_for("every book is live", lambda: recorder.is_live)
        time.sleep(max(0.0, end_s - time.monotonic()))
        before = recorder.cpu_s()
        time.sleep(seconds)
        after = recorder.cpu_s()
        simulators.quiesce()
        time.sleep(SETTLE_S)
        recorder.prove()
    return {process: used - before[process] for process, used in after.items()}


class Recorder:
    """Runs `booktape up` of a tree, and simulators of this tree that it records."""

    def __init__(self, tree: Path, folder: Path, simulators: Simulators, flush_s: float) -> None:
        """Start the simulators, then the recorder, each on a core of its own."""
        self._tree, self._folder = tree, folder
        self._state = StateFolder(folder / STATE)
        environment = make_environment(folder, os.environ)
        cores = sorted(os.sched_getaffinity(0))
        with on_core(cores[-1]):
            addresses = {
                name: start_simulator(simulators, name, market, folder, environment)
                for name, market in MARKETS.items()
            }
        flush = f"[writer]\nflush_interval_s = {flush_s}"
        configure(folder, addresses, {"channels": list(BOOKS_AND_TRADES)}, flush)
        with on_core(cores[0]):
            self._up = subprocess.Popen(
                _find_up(tree),
                cwd=tree,
                env=environment,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End the recording, drained; do nothing if it has ended."""
        if self._up.poll() is None:
            self._up.terminate()
            self._up.wait(END_S)

    @property
    def is_live(self) -> bool:
        """Return whether every book of both exchanges is live."""
        if self._up.poll() is not None:
            raise RuntimeError(f"{self._tree} does not record")
        files = [self._state.report(ingest_name(name, "a")) for name in MARKETS]
        return all(
            file.exists() and msgspec.json.decode(file.read_bytes(), type=Feed).state == "live"
            for file in files
        )

    def cpu_s(self) -> Costs:
        """Return the CPU seconds of each recording process so far."""
        commands = {pid: _find_command(pid) for pid in descendants(self._up.pid)}
        return {command: cpu_s(pid) for pid, command in commands.items() if command in RECORDING}

    def prove(self) -> None:
        """End the recording; raise where the tape has a gap, or lacks what was sent."""
        self.stop()
        prove(self._folder / "data")
        for name in MARKETS:
            compare(self._folder / f"{name}.jsonl", self._folder / "data" / "tape", name)


def _find_up(tree: Path) -> list[str]:
    """Return the command that records with a tree, without a page: earlier trees have none."""
    booktape = str(tree / ".venv" / "bin" / "booktape")
    has_page = "--no-dashboard" in _output(booktape, "up", "--help")
    return [booktape, "up", *(["--no-dashboard"] if has_page else [])]


def _find_command(pid: int) -> str:
    """Return the name of our command that a process runs."""
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return " ".join(argument for argument in arguments if argument in WORDS)


if __name__ == "__main__":
    main()
