"""Where the CPU of an ingest goes, saturated: its stages one at a time on the same messages.

Each stage takes what the one before it made, so that the sum is what one process does without
sockets and threads. Microseconds of CPU for each event; the rest up to what `saturated` measures is
the socket, the pipe, syncs and threads that wait for one another.
"""

import gc
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.market import TS_START, Traffic, make_traffic
from benchmarks.pusher import encode_frames
from benchmarks.results import Figure
from services.ingest_bitvavo import parser
from shared.book import Delta, Snapshot
from shared.books import Books
from shared.cursor import Cursor
from shared.exchange import Message
from shared.frame import Frame, encode
from shared.frame_builder import FrameBuilder, Recorded
from shared.journal import Journal
from shared.message_reader import MessageReader
from shared.recorder import FRAME_BYTES_MAX

EVENTS = 100_000
SESSION = "20260921T000000.000000Z-bitvavo-a"
SOCKET_BYTES = 128 * 1024  # that a saturated socket gives at once

Row = tuple[int, str | None, Recorded]


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Run every stage by turns."""
    traffic = make_traffic().cut(EVENTS)
    stream = encode_frames(traffic.deltas)
    costs: dict[str, list[float]] = {}
    for number in range(rounds):
        for name, cpu_s in _run_stages(traffic, stream, folder / str(number)).items():
            costs.setdefault(name, []).append(cpu_s / EVENTS * 1e6)
    figures = [Figure(name, median(values), "µs/event") for name, values in costs.items()]
    return [*figures, Figure("sum", sum(figure.value for figure in figures), "µs/event")]


def _run_stages(traffic: Traffic, stream: bytes, folder: Path) -> dict[str, float]:
    costs: dict[str, float] = {}

    def measure(name: str, stage: Callable[[], Any]) -> Any:
        gc.collect()
        before_s = time.process_time()
        result = stage()
        costs[name] = time.process_time() - before_s
        return result

    measure("cut the stream into messages", lambda: _cut(stream))
    events = measure("parse", lambda: _parse(traffic.deltas))
    books, rows = _begin_books(traffic)
    deltas = [event for event in events if isinstance(event, Delta)]
    measure("judge and keep the books", lambda: _judge(books, deltas, traffic.times))
    frames = measure("build frames", lambda: _build(rows))
    measure("encode frames", lambda: [encode(frame) for frame in frames])
    journal = Journal.create(folder, SESSION)
    measure("append to the journal, encoding included", lambda: _append(journal, frames))
    journal.sync()
    measure("read the journal again for the pipe", lambda: _walk(journal))
    journal.close()
    return costs


def _cut(stream: bytes) -> None:
    reader = MessageReader()
    done = 0
    while done < len(stream):
        free = reader.free()
        part = stream[done : done + min(len(free), SOCKET_BYTES)]
        free[: len(part)] = part
        reader.take(len(part))
        done += len(part)


def _parse(messages: list[bytes]) -> list[Message]:
    parse = parser.parse
    return [event for raw in messages for event in parse(raw)]


def _begin_books(traffic: Traffic) -> tuple[Books, list[Row]]:
    """Return live books, and the list of what they record, which has the snapshots."""
    rows: list[Row] = []
    books = Books(1, lambda *row: rows.append(row), lambda *_: None)
    for symbol, raw in traffic.snapshots.items():
        (snapshot,) = parser.parse(raw)
        assert isinstance(snapshot, Snapshot)
        books.add(symbol, symbol)
        books.hold(symbol)
        books.answer(TS_START, snapshot)
    return books, rows


def _judge(books: Books, deltas: list[Delta], times: list[int]) -> None:
    judge = books.delta
    for ts, delta in zip(times, deltas, strict=True):
        judge(ts, delta)


def _build(rows: list[Row]) -> list[Frame]:
    builder = FrameBuilder(SESSION)
    frames = []
    for row in rows:
        builder.add(*row)
        if builder.bytes >= FRAME_BYTES_MAX:
            frames.append(builder.take(0))
    frames.append(builder.take(0))
    return frames


def _append(journal: Journal, frames: list[Frame]) -> None:
    for frame in frames:
        journal.append(frame)


def _walk(journal: Journal) -> None:
    cursor = Cursor(journal)
    while cursor.peek(0) is not None:
        cursor.advance()
    cursor.close()
