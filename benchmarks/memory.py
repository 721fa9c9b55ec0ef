"""Measures the memory of all processes: fills every bound, then lets a simulated day pass.

The feeds of all markets run for a day of their simulators' clock, with a few changes a second: once
all bounds are full, rates do not matter. They number, frame and journal as an ingest does. Beside
them run the writer's flushes of five minutes, one after the other, and the real processes before
they hold anything. Each is a separate process; `in all` is their sum.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from benchmarks.idle import record_nothing
from benchmarks.memory_feeds import Filled
from benchmarks.memory_writer import Flushed
from benchmarks.results import Figure
from benchmarks.usage import MIB
from benchmarks.walk import ROOT

EXCHANGES = ("bitvavo", "btcturk")
SECONDS = 5.0  # of the real processes
_RESULT = TypeVar("_RESULT")
TENTH = 9  # of the hours, counted from 0


def run(folder: Path, *, hours: int) -> list[Figure]:
    """Measure all of them, one after the other."""
    processes = record_nothing(folder / "processes", SECONDS).pss[-1]
    figures = [Figure(f"{name}, nothing held", of / MIB, "MiB") for name, of in processes.items()]
    held = 0.0
    for exchange in EXCHANGES:
        filled = _ask("benchmarks.memory_feeds", exchange, str(hours), kind=Filled)
        figures += _figures(exchange, filled)
        held += max(filled.hours) - filled.empty
    flushed = _ask("benchmarks.memory_writer", str(folder / "frames"), kind=Flushed)
    figures += [
        Figure("writer: frames of five minutes", (flushed.held - flushed.empty) / MIB, "MiB"),
        Figure("writer: the most in a flush", (flushed.most - flushed.empty) / MIB, "MiB"),
        Figure("writer: last flush / second", flushed.last / flushed.second, "", 1.02),
        Figure("writer: rows of a flush", flushed.rows, ""),
    ]
    total = sum(processes.values()) + held + flushed.most - flushed.empty
    return [*figures, Figure("in all, the most", total / MIB, "MiB", 290)]


def _figures(exchange: str, filled: Filled) -> Iterator[Figure]:
    for name, (count, bound) in filled.bounds.items():
        yield Figure(f"{exchange}: {name}, of {bound:,}", count, "")
    yield Figure(f"{exchange}: books", (filled.live - filled.empty) / MIB, "MiB")
    yield Figure(f"{exchange}: all bounds full", (filled.full - filled.empty) / MIB, "MiB")
    yield Figure(f"{exchange}: the most", (max(filled.hours) - filled.empty) / MIB, "MiB")
    if len(filled.hours) > TENTH + 1:
        growth = filled.hours[-1] / filled.hours[TENTH]
        yield Figure(f"{exchange}: last hour / tenth", growth, "", 1.02)


def _ask(module: str, *arguments: str, kind: type[_RESULT]) -> _RESULT:
    """Return the findings of a separate process."""
    command = [sys.executable, "-m", module, *arguments]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return msgspec.json.decode(output, type=kind)
