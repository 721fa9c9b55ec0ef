"""Makes a session's frames from the generated market, as an ingest would."""

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.market import TS_START, Traffic
from services.buffer_writer.buffer import Buffer, FrameRun
from services.ingest_bitvavo import parser
from shared.delivery.frame import Frame
from shared.delivery.frame_builder import FrameBuilder
from shared.event import Delta, Snapshot
from shared.ingest.recorder import FRAME_BYTES_MAX, FRAME_INTERVAL_S

SESSION = "20260921T000000.000000Z-bitvavo-a"
Event = tuple[int, str, Snapshot | Delta]


def parse_traffic(traffic: Traffic, *, has_snapshots: bool = True) -> Iterator[Event]:
    """Yield receive time, symbol and event of every message about a book."""
    for symbol, raw in traffic.snapshots.items():
        if has_snapshots:
            yield TS_START, symbol, _book_event(raw)
    for ts, raw in zip(traffic.times, traffic.deltas, strict=True):
        event = _book_event(raw)
        yield ts, event.raw_symbol, event


def make_frames(traffic: Traffic, *, interval_s: float = FRAME_INTERVAL_S) -> Iterator[Frame]:
    """Yield frames of so many seconds, or of the greatest size."""
    builder = FrameBuilder(SESSION)
    end = TS_START
    for ts, symbol, event in parse_traffic(traffic):
        is_due = ts >= end and builder.next_number > builder.first
        if is_due or builder.bytes >= FRAME_BYTES_MAX:
            yield builder.take(0)
            end = ts + int(interval_s * 1e9)
        builder.add(ts, symbol, event)
    yield builder.take(0)


def split_by_flush(frames: Iterator[Frame], rows_max: int) -> Iterator[Sequence[Frame]]:
    """Yield the frames of one flush after the other."""
    flush: list[Frame] = []
    rows = 0
    for frame in frames:
        flush.append(frame)
        rows += frame.rows
        if rows >= rows_max:
            yield flush
            flush, rows = [], 0
    if flush:
        yield flush


def hold(frames: Iterable[Frame]) -> FrameRun:
    """Return frames of one session and day as the writer holds them until a flush."""
    buffer = Buffer()
    for frame in frames:
        buffer.append(frame)
        if buffer.is_loose:
            buffer.pack()
    return buffer.take()


def _book_event(raw: bytes) -> Snapshot | Delta:
    (event,) = parser.parse(raw)
    assert isinstance(event, Snapshot | Delta)
    return event
