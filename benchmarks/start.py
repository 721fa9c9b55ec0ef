"""The start of a recorder, until its first report: by the clock, in CPU; its memory then.

The real programs, each alone, several times: an ingest whose exchange refuses it, the writer.
Beside them a bare interpreter, and one that loads what the plain way loads.
"""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.results import Figure
from benchmarks.saturated import PLAIN_PYTHON
from benchmarks.usage import MIB, cpu_s, pss_bytes
from benchmarks.walk import ROOT, Walk, wait_for
from services.operator.commands.demo_folder import Address
from shared.process.state import WRITER, StateFolder, ingest_name

NOBODY = Address("ws://127.0.0.1:9/", "http://127.0.0.1:9")
COMMANDS = {ingest_name("bitvavo", "a"): ("ingest", "bitvavo"), WRITER: ("write",)}
PLAIN = "import json, pandas, websocket, zmq"


class Start(NamedTuple):
    """Holds the cost of one start."""

    wall_s: float
    cpu_s: float
    memory: float


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Start each by turns."""
    found: dict[str, list[Start]] = {}
    for turn in range(rounds):
        for name in COMMANDS:
            found.setdefault(name, []).append(_start(folder / f"{turn}-{name}", name))
        for name, python, code in (
            ("bare Python", ROOT / ".venv" / "bin" / "python", "pass"),
            ("the plain way", PLAIN_PYTHON, PLAIN),
        ):
            if python.exists():
                found.setdefault(name, []).append(_run_code(python, code))
    figures = []
    for name, starts in found.items():
        figures += [
            Figure(f"{name}: until it stands", median(one.wall_s for one in starts), "s"),
            Figure(f"{name}: CPU", median(one.cpu_s for one in starts), "s"),
        ]
        if name in COMMANDS:
            memory = median(one.memory for one in starts)
            figures.append(Figure(f"{name}: memory", memory / MIB, "MiB"))
    return figures


def _start(folder: Path, name: str) -> Start:
    report = StateFolder(folder / "var").report(name)
    with Walk(folder, NOBODY, symbols='"all"', channels='["book"]') as walk:
        begin_s = time.monotonic()
        child = walk.start(name, "services", *COMMANDS[name])
        wait_for("it has reported", _exists(report))
        start = Start(time.monotonic() - begin_s, cpu_s(child.pid), pss_bytes(child.pid))
        child.stop()
    return start


def _exists(path: Path) -> Callable[[], bool]:
    return path.exists


def _run_code(python: Path, code: str) -> Start:
    before, begin_s = os.times(), time.monotonic()
    subprocess.run([str(python), "-c", code], check=True)
    after = os.times()
    used_s = after.children_user + after.children_system
    used_s -= before.children_user + before.children_system
    return Start(time.monotonic() - begin_s, used_s, 0.0)
