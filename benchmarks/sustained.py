"""Measures CPU and memory of a sustained live peak: every market of both exchanges, for minutes.

The real programs of supervisor.conf record 437 + 379 symbols from two simulators on loopback, at
1,700 + 350 messages a second, first books and trades, then tickers as well. Measured from when
every book is live, a minute after the start at the least: flushes and uploads are in it, the
simulators are not, and have a core of their own: what they leave in a core's caches is no cost of
ours. At the end the markets stop and all is drained; then the tape must prove itself whole, without
a gap, up to the last message that the simulators sent.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median
from types import MappingProxyType
from typing import Final

from msgspec import Struct, field

from benchmarks.results import Figure
from benchmarks.speed import measure
from benchmarks.truth import compare
from benchmarks.usage import count_wakes, cpu_s, descendants, pss_bytes
from benchmarks.walk import prove, wait_for
from booktape.settings_source import FILE_NAME
from services.__main__ import find_exchanges
from services.operator.commands.demo_folder import Address, make_environment
from services.operator.commands.simulators import Simulators
from services.operator.health.health import gather
from services.operator.supervision.programs import prepare
from services.operator.supervision.recording import Recording
from shared.process.configured import load_settings

Markets = Mapping[str, Sequence[str]]

MARKETS: Final[Markets] = {
    "bitvavo": ["--symbols", "437", "--rate", "1700"],
    "btcturk": ["--symbols", "379", "--rate", "350", "--levels", "500"],
}
BOOKS_AND_TRADES = ("book", "trades")
WITH_TICKERS = (*BOOKS_AND_TRADES, "ticker")
START_S = 60.0
LIVE_S = 240.0  # Bitvavo gives five books a second
SAMPLE_S = 10.0
SETTLE_S = 5.0
_MIB = 1 << 20


class Samples(Struct):
    """The measurements of the processes, by their names."""

    seconds: float = 0.0
    messages: int = 0
    cpu_s: dict[str, float] = field(default_factory=dict)
    pss: list[dict[str, int]] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)  # of the machine meanwhile
    wakes: dict[str, int] = field(default_factory=dict)


def run(folder: Path, *, seconds: float) -> list[Figure]:
    """Record twice for so long."""
    figures: list[Figure] = []
    for channels in (BOOKS_AND_TRADES, WITH_TICKERS):
        place = folder / channels[-1]
        samples = record(place, channels, seconds)
        shutil.rmtree(place)
        figures += _figures(channels, samples)
        print(f"  {channels[-1]}: {samples.cpu_s}", file=sys.stderr, flush=True)
    return figures


def _figures(channels: Sequence[str], samples: Samples) -> Iterator[Figure]:
    has_goals = channels == BOOKS_AND_TRADES
    kind = "books, trades" if has_goals else "with tickers"
    totals = [sum(sample.values()) / _MIB for sample in samples.pss]
    third = max(1, len(totals) // 3)
    cpu = {name: used / samples.seconds * 100 for name, used in samples.cpu_s.items()}
    yield Figure(f"{kind}: messages", samples.messages / samples.seconds, "/s")
    yield Figure(f"{kind}: steps of a simple loop", median(samples.speeds), "/CPU-s")
    yield Figure(f"{kind}: CPU", sum(cpu.values()), "% of a core", 20 if has_goals else None)
    for name, share in cpu.items():
        yield Figure(f"{kind}: CPU of {name}", share, "% of a core")
    yield Figure(f"{kind}: memory, most", max(totals), "MiB", 450 if has_goals else None)
    yield Figure(f"{kind}: memory, first third", mean(totals[:third]), "MiB")
    yield Figure(f"{kind}: memory, last third", mean(totals[-third:]), "MiB")
    for name in cpu:
        most = max(sample.get(name, 0) for sample in samples.pss) / _MIB
        yield Figure(f"{kind}: memory of {name}, most", most, "MiB")


def record(
    folder: Path,
    channels: Sequence[str],
    seconds: float,
    *,
    markets: Markets = MARKETS,
    without: Sequence[str] = (),
    configuration: str = "",
    options: Mapping[str, object] = MappingProxyType({}),
) -> Samples:
    """Record for so long and return what it took; raise where anything was lost.

    `markets` has the options of each simulator; `without` names programs that are left out;
    `configuration` is TOML beside that of the exchanges; `options` are keys of every exchange's
    configuration.
    """
    folder.mkdir(parents=True)
    environment = make_environment(folder, os.environ)
    cores = sorted(os.sched_getaffinity(0))
    with on_core(cores[-1]), Simulators() as simulators:
        addresses = {
            name: start_simulator(simulators, name, of, folder, environment)
            for name, of in markets.items()
        }
        configure(folder, addresses, {"channels": list(channels), **options}, configuration)
        settings = load_settings(find_exchanges(), environment)
        state = settings.state.path
        recording = Recording(prepare(settings, environment, without=without))
        with on_core(cores[0]):
            recording.start()
        start_s = time.monotonic()
        try:
            wait_for("all books are live", lambda: _is_live(recording, state), wait_s=LIVE_S)
            time.sleep(max(0.0, start_s + START_S - time.monotonic()))
            samples = sample(recording, state, seconds)
            simulators.quiesce()
            time.sleep(SETTLE_S)
            assert _is_live(recording, state)
        finally:
            is_drained = recording.drain(on_wait=lambda _: None)
    assert is_drained
    prove(folder / "data")
    for name in markets:
        compare(folder / f"{name}.jsonl", folder / "data" / "tape", name)
    return samples


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Run on this core alone, like every process started meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def start_simulator(
    simulators: Simulators,
    name: str,
    market: Sequence[str],
    folder: Path,
    environment: dict[str, str],
) -> Address:
    """Start a simulator that writes its truth into the folder."""
    options = [*market, "--truth", str(folder / f"{name}.jsonl")]
    log = folder / f"simulate_{name}.log"
    return simulators.start(name, options, environment=environment, log=log)


def configure(
    folder: Path,
    addresses: dict[str, Address],
    options: Mapping[str, object],
    configuration: str = "",
) -> None:
    """Write a configuration that records every symbol of these exchanges."""
    lines = [configuration]
    for name, address in addresses.items():
        lines += [
            f"[exchanges.{name}]",
            'symbols = "all"',
            *(f"{name} = {value}" for name, value in options.items()),
            f'websocket_url = "{address.websocket_url}"',
            f'rest_url = "{address.rest_url}"',
        ]
    (folder / FILE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _is_live(recording: Recording, state: Path) -> bool:
    assert recording.is_running
    health = gather(state, recording.supervisor, now_ns=time.time_ns())
    feeds = [process for process in health.processes if process.exchange]
    return len(feeds) == len(MARKETS) and all(process.state == "live" for process in feeds)


def sample(recording: Recording, state: Path, seconds: float) -> Samples:
    """Look at all processes every few seconds."""
    supervisor = recording.supervisor.find_pid()
    assert supervisor is not None
    programs = recording.supervisor.programs().values()
    names = {supervisor: "supervisord"} | {program.pid: program.name for program in programs}
    before = {pid: cpu_s(pid) for pid in names}
    woken = {pid: count_wakes(pid) for pid in names}
    messages = _count_messages(recording, state)
    start_s = time.monotonic()
    samples = Samples()
    while (passed_s := time.monotonic() - start_s) < seconds:
        samples.speeds.append(measure())
        samples.pss.append({name: pss_bytes(pid) for pid, name in names.items()})
        time.sleep(min(SAMPLE_S, seconds - passed_s))
    samples.seconds = time.monotonic() - start_s
    samples.messages = _count_messages(recording, state) - messages
    samples.cpu_s = {name: cpu_s(pid) - before[pid] for pid, name in names.items()}
    samples.wakes = {name: count_wakes(pid) - woken[pid] for pid, name in names.items()}
    assert names.keys() == set(descendants(supervisor)), "a process was started in between"
    return samples


def _count_messages(recording: Recording, state: Path) -> int:
    health = gather(state, recording.supervisor, now_ns=time.time_ns())
    return sum(process.ingest.messages_total for process in health.processes if process.ingest)
