"""Profiles the CPU of a saturated ingest: its stages on the same messages, without threads.

Messages go through a few hundred at a time, as in a recorder, so that each stage finds the caches
as the others left them. The figures are microseconds of CPU for each event. The rest, up to the
figure of `saturated`, is the socket, the pipe, syncs, and threads that wait for one another.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.market import TS_START, Traffic, make_traffic
from benchmarks.pusher import encode_frames
from benchmarks.results import Figure
from services.ingest_bitvavo import parser
from shared.delivery.cursor import Cursor
from shared.delivery.frame_builder import FrameBuilder
from shared.delivery.journal import Journal
from shared.event import Delta, Row, Snapshot
from shared.feed.books import Books
from shared.feed.rows import FeedRows
from shared.ingest.recorder import FRAME_BYTES_MAX
from shared.ingest.source import DIGEST_MESSAGES_MAX
from shared.transport.websocket_frames import MessageReader

EVENTS = 100_000
SESSION = "20260921T000000.000000Z-bitvavo-a"
SOCKET_BYTES = 128 * 1024  # of one read from a saturated socket


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Run every stage by turns."""
    traffic = make_traffic().cut(EVENTS)
    stream = encode_frames(traffic.deltas)
    costs: dict[str, list[float]] = {}
    for number in range(rounds):
        for name, cpu_s in run_stages(traffic, stream, folder / str(number)).items():
            costs.setdefault(name, []).append(cpu_s / EVENTS * 1e6)
    figures = [Figure(name, median(values), "µs/event") for name, values in costs.items()]
    return [*figures, Figure("sum", sum(figure.value for figure in figures), "µs/event")]


class _Stopwatch:
    """Adds up the CPU seconds of each stage."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        before_s = time.process_time()
        yield
        self.cpu_s[stage] = self.cpu_s.get(stage, 0.0) + time.process_time() - before_s


def run_stages(traffic: Traffic, stream: bytes, folder: Path) -> dict[str, float]:
    """Return the CPU seconds of each stage."""
    watch = _Stopwatch()
    with watch.measure("cut the stream into messages"):
        _cut_stream(stream)
    books, rows = _begin_books(traffic)
    builder = FrameBuilder(SESSION)
    journal = Journal.create(folder, SESSION)
    _build(builder, rows, journal, _Stopwatch())  # the snapshots, which do not count
    gc.collect()
    for first in range(0, len(traffic.deltas), DIGEST_MESSAGES_MAX):
        part = slice(first, first + DIGEST_MESSAGES_MAX)
        with watch.measure("parse"):
            events = _parse(traffic.deltas[part])
        with watch.measure("judge and keep the books"):
            for ts, delta in zip(traffic.times[part], events, strict=True):
                books.delta(ts, delta)
        _build(builder, rows, journal, watch)
    journal.sync()
    with watch.measure("read the journal again for the pipe"):
        _walk(journal)
    journal.close()
    return watch.cpu_s


def _build(builder: FrameBuilder, rows: list[Row], journal: Journal, watch: _Stopwatch) -> None:
    """Put the books' recorded rows into frames, and full frames into the journal."""
    with watch.measure("build frames"):
        for row in rows:
            builder.add(*row)
        rows.clear()
        if builder.bytes < FRAME_BYTES_MAX:
            return
        frame = builder.take(0)
    with watch.measure("append to the journal"):
        journal.append(frame)


def _cut_stream(stream: bytes) -> None:
    reader = MessageReader()
    done = 0
    while done < len(stream):
        space = reader.space
        part = stream[done : done + min(len(space), SOCKET_BYTES)]
        space[: len(part)] = part
        reader.cut_messages(len(part))
        done += len(part)


def _parse(messages: list[bytes]) -> list[Delta]:
    parse = parser.parse
    return [event for raw in messages for event in parse(raw) if isinstance(event, Delta)]


def _begin_books(traffic: Traffic) -> tuple[Books, FeedRows]:
    """Return live books, and the list of their recorded rows, which begins with the snapshots."""
    rows = FeedRows()
    books = Books(rows, lambda *_: None)
    for symbol, raw in traffic.snapshots.items():
        (snapshot,) = parser.parse(raw)
        assert isinstance(snapshot, Snapshot)
        books.add(symbol, symbol)
        books.hold_deltas(symbol)
        books.splice(TS_START, snapshot)
    return books, rows


def _walk(journal: Journal) -> None:
    cursor = Cursor(journal)
    while cursor.peek(0) is not None:
        cursor.advance()
    cursor.close()
