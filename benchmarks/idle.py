"""Measures an idle recorder: without an exchange that answers, then on forty quiet markets.

It runs the real programs of supervisor.conf, as `sustained` does. The wake-ups of threads are the
cost of an idle process; the sum includes supervisord, the page and the certifier.
"""

import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.results import Figure
from benchmarks.sustained import BOOKS_AND_TRADES, Markets, Samples, configure, record, sample
from services.__main__ import find_exchanges
from services.operator.commands.demo_folder import Address, make_environment
from services.operator.supervision.programs import prepare
from services.operator.supervision.recording import Recording
from shared.process.configured import load_settings

SECONDS: Final = 45.0
SETTLE_S: Final = 15.0  # leaves out the cost of a start, which `start` measures
FEW: Final[Markets] = {
    "bitvavo": ["--symbols", "20", "--rate", "20"],
    "btcturk": ["--symbols", "20", "--rate", "19"],
}
GOALS: Final = {"no exchange": 0.45, "40 markets": 1.0}


def run(folder: Path) -> list[Figure]:
    """Measure both."""
    figures = list(_figures("no exchange", record_nothing(folder / "none")))
    shutil.rmtree(folder / "none")
    few = record(folder / "few", BOOKS_AND_TRADES, SECONDS, markets=FEW)
    return figures + list(_figures("40 markets", few))


def record_nothing(folder: Path, seconds: float = SECONDS) -> Samples:
    """Run everything with exchanges that refuse to be connected to."""
    folder.mkdir(parents=True)
    environment = make_environment(folder, os.environ)
    with socket.socket() as nobody:  # bound, but not listening
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        address = Address(f"ws://127.0.0.1:{port}/", f"http://127.0.0.1:{port}")
        configure(folder, dict.fromkeys(FEW, address), {})
        settings = load_settings(find_exchanges(), environment)
        recording = Recording(prepare(settings, environment))
        recording.start()
        try:
            time.sleep(SETTLE_S)
            return sample(recording, settings.state.path, seconds)
        finally:
            recording.drain(on_wait=lambda _: None)


def _figures(case: str, samples: Samples) -> Iterator[Figure]:
    cpu = {name: used / samples.seconds * 100 for name, used in samples.cpu_s.items()}
    recording = [name for name in cpu if name.startswith(("ingest", "buffer"))]
    yield Figure(f"{case}: messages", samples.messages / samples.seconds, "/s")
    share = sum(cpu[name] for name in recording)
    yield Figure(f"{case}: CPU of what records", share, "% of a core", goal=GOALS[case])
    yield Figure(f"{case}: CPU of all", sum(cpu.values()), "% of a core")
    for name, share in cpu.items():
        yield Figure(f"{case}: CPU of {name}", share, "% of a core")
        yield Figure(f"{case}: {name} woken", samples.wakes[name] / samples.seconds, "/s")
