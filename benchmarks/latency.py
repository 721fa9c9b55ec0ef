"""Measures the latency from `ts_recv` to the journal at 1,700 events a second: a kill may take it.

The simulator sends, the real ingest records. Its journal notes the end of each write (see
`benchmarks.ingest`), which takes a few hundred nanoseconds a frame; the tape has the receipt of
each event. The latency is the difference of the two, over every book event.
"""

import array
import os
import time
from bisect import bisect_left
from pathlib import Path

import pyarrow.compute as pc

from benchmarks.market import SYMBOLS
from benchmarks.results import Figure
from benchmarks.truth import read_columns
from benchmarks.walk import Walk, wait_for
from services.operator.commands.simulators import Simulators

RATE = 1700
SECONDS = 60.0
_NS_PER_MS = 1e6


def run(folder: Path) -> list[Figure]:
    """Record for a minute once all books are live."""
    notes = folder / "journal-times"
    options = ["--symbols", str(SYMBOLS), "--rate", str(RATE), "--unlimited"]
    with Simulators() as simulators:
        log = folder / "simulator.log"
        address = simulators.start("bitvavo", options, environment=os.environ, log=log)
        with Walk(folder, address, symbols='"all"', channels='["book"]') as walk:
            writer = walk.start("writer", "services", "write")
            ingest = walk.start("ingest", "benchmarks.ingest", str(notes))
            wait_for("all books are live", lambda: walk.live() == SYMBOLS)
            first, cpu_s = walk.recorded(), ingest.cpu_s
            time.sleep(SECONDS)
            last, cpu_s = walk.recorded(), ingest.cpu_s - cpu_s
            ingest.stop()
            writer.stop()
            walk.verify()
    delays = find_delays(folder / "data" / "tape" / "book", notes, range(first, last))
    late = find_lateness(folder / "data" / "tape" / "book", range(first, last))
    p50, p99 = (find_quantile(delays, share) for share in (0.5, 0.99))
    return [
        Figure("events a second", len(delays) / SECONDS, "/s"),
        Figure("p50", p50, "ms"),
        Figure("p99", p99, "ms", goal=40),
        Figure("max", max(delays) / _NS_PER_MS, "ms"),
        Figure("received after it was sent, p50", find_quantile(late, 0.5), "ms"),
        Figure("received after it was sent, p99", find_quantile(late, 0.99), "ms"),
        Figure("CPU of the ingest meanwhile", cpu_s / SECONDS * 100, "% of a core"),
    ]


def find_delays(tape: Path, notes: Path, numbers: range) -> list[int]:
    """Return the nanoseconds from receipt to journal of each of these events but checkpoints.

    The notes are pairs: the last event number of a frame, and the time of its writing.
    """
    noted = array.array("q", notes.read_bytes())
    lasts, written = noted[::2], noted[1::2]
    received: dict[int, int] = {}
    for file in tape.rglob("*.parquet"):
        table = read_columns(file, ["event_number", "ts_recv", "is_checkpoint"])
        table = table.filter(pc.invert(table["is_checkpoint"]))
        events = table["event_number"].to_pylist()
        times = table["ts_recv"].cast("int64").to_pylist()
        received |= zip(events, times, strict=True)
    return [
        written[bisect_left(lasts, number)] - ts_us * 1000
        for number, ts_us in received.items()
        if number in numbers
    ]


def find_lateness(tape: Path, numbers: range | None = None) -> list[int]:
    """Return the nanoseconds from the exchange's time of these changes, or all, to `ts_recv`.

    Both are of one clock here, and include the simulator's own delay in sending.
    """
    late: list[int] = []
    for file in tape.rglob("*.parquet"):
        table = read_columns(file, ["event_number", "ts_recv", "ts_event", "is_snapshot"])
        table = table.filter(pc.invert(table["is_snapshot"]))
        times = pc.subtract(table["ts_recv"].cast("int64"), table["ts_event"].cast("int64"))
        seen = dict(zip(table["event_number"].to_pylist(), times.to_pylist(), strict=True))
        late += [
            us * 1000
            for number, us in seen.items()
            if us is not None and (numbers is None or number in numbers)
        ]
    return late


def find_quantile(delays: list[int], share: float) -> float:
    """Return the milliseconds that this share of the nanoseconds stays below."""
    return sorted(delays)[int(len(delays) * share)] / _NS_PER_MS
