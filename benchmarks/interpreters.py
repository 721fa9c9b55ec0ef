"""Compares two interpreters: the stages of an ingest on each, by turns.

    python -m benchmarks.interpreters python3.11 python3.12

Each gets its own environment under `.benchmarks`, with the pinned requirements, and the same
messages; a round runs one process of each. The last column is the second divided by the first.
"""

import argparse
import gc
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.market import Traffic, make_traffic
from benchmarks.profile import run_stages
from benchmarks.pusher import encode_frames
from benchmarks.results import FOLDER
from benchmarks.walk import ROOT
from shared.ingest.process import GC_ALLOCATIONS

EVENTS = 50_000
SECONDS = 60.0
PINNED = ROOT / "requirements" / "run.txt"

Costs = dict[str, float]  # µs an event of each stage


def main() -> None:
    """Measure both, print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interpreters")
    parser.add_argument("pythons", nargs=2, metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pythons = [prepare(python) for python in options.pythons]
    costs: list[list[Costs]] = [[], []]
    with tempfile.TemporaryDirectory(prefix="booktape-") as folder:
        traffic = Path(folder) / "traffic"
        traffic.write_bytes(msgspec.msgpack.encode(make_traffic(SECONDS).cut(EVENTS)))
        for turn in range(options.rounds):
            for found, python in zip(costs, pythons, strict=True):
                place = Path(folder) / f"{turn}-{len(found)}-{python.parts[-3]}"
                found.append(_ask(python, traffic, place))
    _print(options.pythons, costs)


def prepare(python: str) -> Path:
    """Return the interpreter of an environment with the pinned requirements; make it if needed."""
    where = _output(python, "-c", "import sys; print(sys.executable)").strip()
    folder = FOLDER / f"python{where.replace('/', '-')}"
    own = folder / "bin" / "python"
    if own.exists():
        return own
    print(f"making {folder}", file=sys.stderr)
    _output(python, "-m", "venv", str(folder))
    pinned = ("--no-deps", "--require-hashes", "-r", str(PINNED))
    _output(str(own), "-m", "pip", "install", "--quiet", *pinned)
    return own


def _ask(python: Path, traffic: Path, folder: Path) -> Costs:
    output = _output(str(python), "-m", "benchmarks.interpreters", "--child", str(traffic), folder)
    return msgspec.json.decode(output, type=Costs)


def _output(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"this ended with status {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout


def _run_child(path: Path, folder: Path) -> None:
    """Run the stages on this interpreter; print the cost of each."""
    traffic = msgspec.msgpack.decode(path.read_bytes(), type=Traffic)
    gc.set_threshold(GC_ALLOCATIONS)
    gc.freeze()
    stages = run_stages(traffic, encode_frames(traffic.deltas), folder)
    costs = {name: cpu_s / len(traffic.deltas) * 1e6 for name, cpu_s in stages.items()}
    print(msgspec.json.encode({**costs, "sum": sum(costs.values())}).decode())


def _print(names: list[str], costs: list[list[Costs]]) -> None:
    first, second = (
        {stage: median(one[stage] for one in found) for stage in found[0]} for found in costs
    )
    print(f"{'µs an event':<34}{names[0]:>14}{names[1]:>14}{'ratio':>8}")
    for stage, cost in first.items():
        other = second[stage]
        print(f"{stage:<34}{cost:>14.2f}{other:>14.2f}{other / cost:>8.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _run_child(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
