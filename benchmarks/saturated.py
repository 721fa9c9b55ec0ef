"""Measures a saturated collector, from the socket to committed Parquet: events per CPU-second.

A tiny server pushes changes of all 437 books that were encoded before; the real ingest, journal,
pipe and writer take them, and the tape is verified. Beside it, by turns, the plain way takes the
same: its CPU-seconds divided by ours is the ratio. CPU is user and system of all threads, from the
first change to the end of both processes.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pyarrow.compute as pc
from msgspec import Struct
from pyarrow import parquet

from benchmarks.market import Traffic, make_traffic
from benchmarks.pusher import Pusher
from benchmarks.results import Figure
from benchmarks.truth import read_columns
from benchmarks.walk import ROOT, WAIT_S, Child, Walk, wait_for

PLAIN_PYTHON = ROOT / ".venv-bench" / "bin" / "python"


class Cost(Struct, frozen=True):
    """CPU seconds of one way."""

    ingest_s: float
    writer_s: float

    @property
    def total_s(self) -> float:
        """Return the CPU seconds of both processes."""
        return self.ingest_s + self.writer_s


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Measure both ways by turns."""
    traffic = make_traffic()
    ways: dict[str, Callable[[Traffic, Path], Cost]] = {"booktape": record}
    if PLAIN_PYTHON.exists():
        ways["plain"] = record_plainly
    else:
        print("without the plain way: `make bench` makes .venv-bench", file=sys.stderr)
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            place = folder / f"{name}-{number}"
            costs[name].append(way(traffic, place))
            print(f"  {name}: {costs[name][-1]}", file=sys.stderr, flush=True)
            shutil.rmtree(place)
    return _figures(len(traffic.deltas), costs)


def _figures(events: int, costs: dict[str, list[Cost]]) -> list[Figure]:
    own = costs["booktape"]
    figures = [
        Figure(
            "events per CPU-second, both processes",
            events / median(cost.total_s for cost in own),
            "/s",
            goal=100_000,
            better="more",
        ),
        Figure("ingest", median(cost.ingest_s for cost in own) / events * 1e6, "µs/event"),
        Figure("writer", median(cost.writer_s for cost in own) / events * 1e6, "µs/event"),
    ]
    if plain := costs.get("plain"):
        ratios = [other.total_s / cost.total_s for other, cost in zip(plain, own, strict=True)]
        per_s = events / median(cost.total_s for cost in plain)
        figures += [
            Figure("the plain way: events per CPU-second", per_s, "/s"),
            Figure("CPU of the plain way / ours", median(ratios), "x", goal=5, better="more"),
        ]
    return figures


def record(traffic: Traffic, folder: Path) -> Cost:
    """Record everything through the real walk; nothing may be lost."""
    pusher = Pusher(traffic)
    symbols = traffic.symbols
    listed = json.dumps(symbols)
    with Walk(folder, pusher.address, symbols=listed, channels='["book"]') as walk:
        writer = walk.start("writer", "services", "write")
        ingest = walk.start("ingest", "benchmarks.ingest")
        wait_for("all books are live", lambda: walk.live() == len(symbols))
        before = Cost(ingest.cpu_s, writer.cpu_s)
        pusher.go.set()
        events = len(traffic.deltas)
        wait_for("all was recorded", lambda: walk.recorded() > events)
        wait_for("all was received", lambda: walk.received() >= walk.recorded())
        ingest.stop()
        writer.stop()
        pusher.close()
        walk.verify()
        assert count_changes(folder / "data" / "tape" / "book") == count_levels(traffic.deltas)
    return Cost(ingest.cpu_s - before.ingest_s, writer.cpu_s - before.writer_s)


def count_changes(folder: Path) -> int:
    """Return the number of changes in a book table, without whole books, which audits add."""
    return sum(
        pc.sum(pc.invert(read_columns(file, ["is_snapshot"])[0])).as_py() or 0
        for file in folder.rglob("*.parquet")
    )


def record_plainly(traffic: Traffic, folder: Path) -> Cost:
    """Record everything the plain way; no row may be lost."""
    folder.mkdir()
    symbols = folder / "symbols.json"
    symbols.write_text(json.dumps(traffic.symbols), encoding="utf-8")
    pusher = Pusher(traffic)
    endpoint = f"ipc://{folder / 'pipe'}"
    command = [str(PLAIN_PYTHON), str(Path(__file__).parent / "plain.py")]
    events = str(len(traffic.deltas))
    writer = Child("the plain writer", [*command, "write", endpoint, str(folder)], {})
    ingest = Child(
        "the plain ingest",
        [*command, "ingest", pusher.address.websocket_url, endpoint, str(symbols), events],
        {},
    )
    try:
        assert pusher.is_ready.wait(WAIT_S)
        before = Cost(ingest.cpu_s, writer.cpu_s)
        pusher.go.set()
        ingest.wait()
        writer.wait()
    finally:
        ingest.kill()
        writer.kill()
        pusher.close()
    files = list(folder.glob("*.parquet"))
    rows = sum(parquet.read_metadata(file).num_rows for file in files)
    assert rows == count_levels([*traffic.deltas, *traffic.snapshots.values()])
    return Cost(ingest.cpu_s - before.ingest_s, writer.cpu_s - before.writer_s)


def count_levels(messages: list[bytes]) -> int:
    """Return the number of levels in these messages."""
    return sum(message.count(b'["') for message in messages)
