"""Measures recovery: the replay of an hour of journal, and the return of a killed writer.

A feed died with an hour of journal at the live peak, 1,700 events a second, that no writer has. The
next feed records as many, live, while its sender hands over both; the writer takes them as fast as
it can. Then, under supervisord, the writer is killed: until it has what was recorded since.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.frames import SESSION, parse_traffic
from benchmarks.market import RATE, make_traffic
from benchmarks.results import Figure
from benchmarks.usage import peak_bytes, pss_bytes
from benchmarks.walk import Walk, find_received, wait_for
from booktape.proof.verify import verify
from booktape.store.opening import open_store
from booktape.store.storage import Storage
from services.__main__ import find_exchanges
from services.operator.commands.demo_folder import make_environment, write_configuration
from services.operator.commands.simulators import Simulators
from services.operator.supervision.programs import prepare
from services.operator.supervision.recording import Recording
from shared.delivery.frame import Frame
from shared.delivery.frame_builder import FrameBuilder
from shared.delivery.journal import Journal
from shared.event import Delta
from shared.ingest.recorder import FRAME_INTERVAL_S, end_session
from shared.process.configured import load_settings
from shared.process.settings import DashboardSettings
from shared.process.state import WRITER, StateFolder, ingest_name
from shared.process.status import IngestReport, read

PEAK = 1700  # events a second
HOUR_S = 3600
SAMPLE_S = 0.5
LIVE_SYMBOLS = 50  # the exchange gives five books a second
KILLS = 5
_MIB = 1 << 20


class Replay(Struct):
    """The measurements of one replay."""

    events: int
    seconds: float = 0.0
    live_events: int = 0
    ingest_bytes: int = 0
    writer_bytes: int = 0
    ingest_before_bytes: int = 0
    ingest_cpu_s: float = 0.0
    writer_cpu_s: float = 0.0


def run(folder: Path, *, seconds: int = HOUR_S) -> list[Figure]:
    """Replay so many seconds of journal, then kill the writer a few times."""
    replay = measure_replay(folder / "replay", seconds)
    waits = sorted(measure_kills(folder / "kills"))
    per_s = replay.events / replay.seconds
    return [
        Figure("events of the journal", replay.events, ""),
        Figure("replayed in", replay.seconds, "s", goal=60 * seconds / HOUR_S),
        Figure("replayed / recorded, by time", per_s / PEAK, "x", goal=60, better="more"),
        Figure("live events meanwhile", replay.live_events / replay.seconds, "/s"),
        Figure("CPU of the ingest meanwhile", replay.ingest_cpu_s, "s"),
        Figure("CPU of the writer meanwhile", replay.writer_cpu_s, "s"),
        Figure("ingest before", replay.ingest_before_bytes / _MIB, "MiB"),
        Figure("ingest, most", replay.ingest_bytes / _MIB, "MiB"),
        Figure("writer, most", replay.writer_bytes / _MIB, "MiB"),
        Figure("writer killed: the tape goes on, median", waits[len(waits) // 2], "s"),
        Figure("writer killed: the tape goes on, most", waits[-1], "s", goal=5),
    ]


def measure_replay(folder: Path, seconds: int) -> Replay:
    """Leave a journal behind, record on, and measure how long the writer takes for it."""
    options = ["--symbols", str(LIVE_SYMBOLS), "--rate", str(PEAK), "--unlimited"]
    folder.mkdir(parents=True)
    with Simulators() as simulators:
        log = folder / "simulator.log"
        address = simulators.start("bitvavo", options, environment=os.environ, log=log)
        with Walk(folder, address, symbols='"all"', channels='["book"]') as walk:
            replay = Replay(
                write_journal(StateFolder(folder / "var").journals_of("bitvavo"), seconds)
            )
            ingest = walk.start("ingest", "services", "ingest", "bitvavo")
            wait_for("all books are live", lambda: walk.live() == LIVE_SYMBOLS)
            replay.ingest_before_bytes = pss_bytes(ingest.pid)
            first, start_s, cpu_s = walk.recorded(), time.monotonic(), ingest.cpu_s
            writer = walk.start("writer", "services", "write")
            while find_received(StateFolder(folder / "var")).get(SESSION, 0) < replay.events:
                replay.ingest_bytes = max(replay.ingest_bytes, pss_bytes(ingest.pid))
                time.sleep(SAMPLE_S)
            replay.seconds = time.monotonic() - start_s
            replay.ingest_cpu_s = ingest.cpu_s - cpu_s
            replay.writer_cpu_s = writer.cpu_s
            replay.live_events = walk.recorded() - first
            replay.writer_bytes = peak_bytes(writer.pid)
            wait_for("the writer is level", lambda: walk.received() >= walk.recorded())
            ingest.stop()
            writer.stop()
        check_tape(folder, replay.events)
    return replay


def write_journal(folder: Path, seconds: int) -> int:
    """Write the journal of a killed feed; return its number of events."""
    journal = Journal.create(folder, SESSION)
    for frame in make_hour(PEAK * seconds):
        journal.append(frame)
    end_session(journal, time.time_ns(), reason="killed")
    journal.sync()
    journal.close()
    return journal.next_number


def make_hour(events_max: int) -> Iterator[Frame]:
    """Yield frames of 20 ms of the generated market, repeated, with continuing numbers."""
    traffic = make_traffic()
    events = list(parse_traffic(traffic))
    counts = Counter(symbol for _, symbol, event in events if isinstance(event, Delta))
    builder, per_frame = FrameBuilder(SESSION), int(PEAK * FRAME_INTERVAL_S)
    turn = 0
    while builder.next_number < events_max:
        ahead_ns = int(turn * len(traffic.deltas) / RATE * 1e9)
        for ts, symbol, event in events:
            if isinstance(event, Delta):
                assert event.sequence is not None
                number = event.sequence + turn * counts[symbol]
                builder.add(ts + ahead_ns, symbol, replace(event, sequence=number))
            elif not turn:
                builder.add(ts, symbol, event)
            if builder.next_number - builder.first >= per_frame:
                yield builder.take(0)
            if builder.next_number >= events_max:
                break
        turn += 1
    if builder.next_number > builder.first:
        yield builder.take(0)


def check_tape(folder: Path, events: int) -> None:
    """Raise if an event of the session is missing."""
    report = verify(open_store(Storage(url=f"file:{folder / 'data'}")))
    if not report.ok or any(session.gaps for session in report.sessions):
        raise RuntimeError(f"the tape in {folder} is not whole: {report.to_json()}")
    ends = {session.session: session.last + 1 for session in report.sessions}
    assert ends[SESSION] == events


def measure_kills(folder: Path) -> list[float]:
    """Return how long it took after each kill until the writer had all events recorded since."""
    folder.mkdir(parents=True)
    environment = make_environment(folder, os.environ)
    with Simulators() as simulators:
        options = ["--symbols", str(LIVE_SYMBOLS), "--rate", str(PEAK), "--unlimited"]
        log = folder / "simulator.log"
        address = simulators.start("bitvavo", options, environment=environment, log=log)
        write_configuration(folder, {"bitvavo": address}, DashboardSettings(port=0))
        settings = load_settings(find_exchanges(), environment)
        recording = Recording(prepare(settings, environment))
        recording.start()
        try:
            return [kill_writer(settings.state.folder) for _ in range(KILLS)]
        finally:
            recording.drain(on_wait=lambda _: None)


def kill_writer(state: StateFolder) -> float:
    """Kill it; return the seconds until the next writer has more than was recorded by then."""
    feed = state.report(ingest_name("bitvavo", "a"))

    def recorded() -> tuple[str, int]:
        report = read(feed, IngestReport)
        return (report.session, report.journal_next) if report else ("", 0)

    def is_level() -> bool:
        session, number = recorded()
        return number > PEAK and find_received(state).get(session, 0) > number - 2 * PEAK

    wait_for("the writer is level", is_level)
    status = state.report(WRITER)
    pid = int(state.writer_lock.read_text(encoding="ascii"))
    session, number = recorded()
    os.kill(pid, signal.SIGKILL)
    start_s = time.monotonic()
    status.unlink()  # what it said is over
    while find_received(state).get(session, 0) <= number:
        time.sleep(SAMPLE_S / 10)
    return time.monotonic() - start_s
