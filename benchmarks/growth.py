"""The growth of a message's cost with the markets: 8, 60, all 437; other ways beside it.

Ours runs every stage of an ingest, from the bytes of the socket to the synced journal. The others
keep books in memory and store nothing; `make bench` installs them in `.venv-bench`.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.market import Traffic, make_traffic
from benchmarks.profile import run_stages
from benchmarks.pusher import encode_frames
from benchmarks.results import Figure
from benchmarks.saturated import PLAIN_PYTHON

COUNTS = (8, 60, 437)
EVENTS = 20_000
RATE = 1000.0
OURS = "booktape"
WAYS = ("plain", "cryptofeed", "ccxt")

Costs = dict[str, list[float]]  # µs a message of each way


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Measure all ways by turns, market by market."""
    costs: dict[int, Costs] = {count: {} for count in COUNTS}
    traffics = {count: _make(count) for count in COUNTS}
    for turn in range(rounds):
        for count, traffic in traffics.items():
            path = _save(traffic, folder / f"{count}.jsonl")
            found = dict(_measure(traffic, path, folder / f"{turn}-{count}"))
            for way, cost in found.items():
                costs[count].setdefault(way, []).append(cost)
    return [figure for count in COUNTS for figure in _figures(count, costs)]


def _make(count: int) -> Traffic:
    return make_traffic(1.2 * EVENTS / RATE, rate=RATE, count=count).cut(EVENTS)


def _save(traffic: Traffic, path: Path) -> Path:
    snapshots = {raw: _response(answer) for raw, answer in traffic.snapshots.items()}
    lines = [json.dumps(snapshots), *(raw.decode() for raw in traffic.deltas)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _response(answer: bytes) -> object:
    return msgspec.json.decode(answer)["response"]


def _measure(traffic: Traffic, path: Path, folder: Path) -> Iterator[tuple[str, float]]:
    stages = run_stages(traffic, encode_frames(traffic.deltas), folder)
    yield OURS, sum(stages.values()) / len(traffic.deltas) * 1e6
    if not PLAIN_PYTHON.exists():
        print("without other ways: `make bench` makes .venv-bench", file=sys.stderr)
        return
    script = Path(__file__).parent / "peers.py"
    for way in WAYS:
        command = [str(PLAIN_PYTHON), str(script), way, str(path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode == 0:
            yield way, float(done.stdout.split()[-1])


def _figures(count: int, costs: dict[int, Costs]) -> Iterator[Figure]:
    own = costs[count][OURS]
    yield Figure(f"{count} markets: {OURS}, to the journal", median(own), "µs/message")
    least = costs[COUNTS[0]][OURS]
    if own is not least:
        growth = median(a / b for a, b in zip(own, least, strict=True))
        yield Figure(f"{count} markets: of {COUNTS[0]}", growth, "x")
    for way in WAYS:
        if found := costs[count].get(way):
            ratio = median(other / cost for other, cost in zip(found, own, strict=True))
            yield Figure(f"{count} markets: {way}, books alone / {OURS}", ratio, "x")
