"""A writer on a folder, with clocks, a disk and a store that do what a test wants."""

import errno
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NoReturn

import msgspec
from typing_extensions import override

from booktape.errors import AlreadyStored, StoreError
from booktape.keys import exchange_of
from booktape.manifest import decode_manifest
from booktape.store.protocol import ObjectInfo, Store
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.committed import Committed
from services.buffer_writer.reserve import Reserve
from services.buffer_writer.segment import WrittenSegment
from services.buffer_writer.sessions import SessionFiles
from services.buffer_writer.spool import Spool, WriteSegments
from services.buffer_writer.uploader import Uploader
from services.buffer_writer.writer import Writer
from shared.delivery.frame import DAY_NS, LEVEL_BYTES, Columns, Frame, decode_columns, encode
from shared.delivery.frame_builder import FrameBuilder
from shared.event import Delta, FeedEvent, Snapshot
from shared.process.settings import WriterSettings
from tests.support.columns import unpack
from tests.support.levels import levels

SESSION = "20261122T091500.123456Z-toy-a"
OTHER = "20261122T091501.000000Z-toy-b"
FOREIGN = "20261122T091502.000000Z-fremd-a"
DAY = 20_000
SETTINGS = WriterSettings(flush_interval_s=300.0, flush_rows=1000, flush_bytes=1 << 20)


def make_book(
    first: int, events: int = 10, *, session: str = SESSION, day: int = DAY, base: int = 0
) -> Frame:
    """Return a frame of a snapshot and its deltas, one level each."""
    builder = FrameBuilder(session, first)
    ts_recv = day * DAY_NS
    builder.add(ts_recv, "BTC-EUR", Snapshot("BTC-EUR", *levels([("1.5", "2")], []), 1))
    for number in range(1, events):
        builder.add(
            ts_recv + number,
            "BTC-EUR",
            Delta("BTC-EUR", *levels([("1.5", "3")], []), number + 1),
        )
    return builder.take(base)


def make_end(first: int, *, session: str = SESSION, day: int = DAY, base: int = 0) -> Frame:
    builder = FrameBuilder(session, first)
    detail = f'{{"reason":"stopped","events":{first + 1}}}'
    builder.add(day * DAY_NS, None, FeedEvent("session_end", detail=detail))
    return builder.take(base)


def damage(frame: Frame) -> Frame:
    """Return the frame with a level too many: its checksum would hold, its columns do not."""
    columns = decode_columns(frame)
    assert columns.book is not None
    columns.book.levels += bytes(LEVEL_BYTES)
    return replace_columns(frame, columns)


def replace_columns(frame: Frame, columns: Columns) -> Frame:
    events = msgspec.Raw(msgspec.msgpack.encode(columns))
    return msgspec.structs.replace(frame, events=events)


def numbers_of(frame: Frame) -> list[int]:
    columns = decode_columns(frame)
    tables = [columns.trades, columns.ticker, columns.feed_events]
    offsets = [offset for table in tables if table for offset in table.offset]
    offsets += unpack(columns.book, "offset") if columns.book else []
    return sorted(frame.first + offset for offset in offsets)


def make_run(frames: Sequence[Frame]) -> FrameRun:
    """Return frames that a buffer has not packed."""
    last = frames[-1]
    return FrameRun(last.session, last.day, list(frames), last.last + 1, ends_session=False)


def write_plain(run: FrameRun, make_path: Callable[[str], Path]) -> dict[str, WrittenSegment]:
    """Write the event numbers as text: what matters to the spool, at no cost."""
    assert run.packed.is_empty
    numbers = [number for frame in run.frames for number in numbers_of(frame)]
    path = make_path("book")
    data = " ".join(map(str, numbers)).encode()
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return {"book": WrittenSegment(path, run.rows, len(data), digest, 0, 0, len(numbers), 0, 0)}


class Clock:
    """Both clocks; they move when told to."""

    def __init__(self) -> None:
        self.ns = DAY * DAY_NS + DAY_NS // 2
        self.s = 1000.0

    def pass_s(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)
        self.s += seconds

    def now_ns(self) -> int:
        return self.ns

    def now_s(self) -> float:
        return self.s


class MemoryStore(Store):
    """Objects in memory; `errors` are raised by the next calls, one each."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.errors: list[Exception | None] = []
        self.loses_answers = False
        self.calls: list[str] = []

    @override
    def put(self, path: Path, key: str) -> None:
        self._meet("put", key)
        if key in self.objects:
            raise AlreadyStored(key)
        self.objects[key] = path.read_bytes()
        if self.loses_answers:
            raise make_store_error("timed out")

    @override
    def head(self, key: str) -> ObjectInfo | None:
        self._meet("head", key)
        return ObjectInfo(key, len(self.objects[key])) if key in self.objects else None

    @override
    def get(self, key: str) -> bytes:
        self._meet("get", key)
        return self.objects[key]

    @override
    def get_range(self, key: str, first: int, length: int) -> bytes:
        self._meet("get_range", key)
        return self.objects[key][first : first + length]

    @override
    def folders(self, prefix: str) -> Sequence[str]:
        self._meet("folders", prefix)
        below = {key.removeprefix(prefix) for key in self.objects if key.startswith(prefix)}
        return sorted({name.partition("/")[0] for name in below if "/" in name})

    @override
    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._meet("list", prefix)
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield ObjectInfo(key, len(self.objects[key]))

    def _meet(self, call: str, key: str) -> None:
        self.calls.append(f"{call} {key}")
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error


def make_store_error(reason: str = "down") -> StoreError:
    return StoreError("put", where="memory", reason=reason, remedy="wait")


class Disk:
    """The disk's free bytes."""

    def __init__(self) -> None:
        self.free = 1 << 40

    def free_bytes(self) -> int:
        return self.free


class World:
    """One state folder, and the parts of a writer that works on it."""

    def __init__(
        self,
        state: Path,
        *,
        store: Store | None = None,
        clock: Clock | None = None,
        settings: WriterSettings = SETTINGS,
        write_segments: WriteSegments = write_plain,
        disk: Disk | None = None,
    ) -> None:
        self.state = state
        self.store = store or MemoryStore()
        self.clock = clock or Clock()
        self.disk = disk or Disk()
        self.reserve = Reserve(
            state / "spool" / "reserve",
            4096,
            floor_bytes=1 << 20,
            disk_free=self.disk.free_bytes,
        )
        self.sessions = SessionFiles(state / "sessions", state / "journal")
        self.spool = Spool(
            state / "spool",
            Committed(self.sessions, self.reserve),
            self.reserve,
            write_segments=write_segments,
            clock_ns=self.clock.now_ns,
        )
        self.spool.recover()
        self.uploader = Uploader(
            self.spool, self.store, random=Random(1), clock_ns=self.clock.now_ns
        )
        self.writer = Writer(
            self.spool,
            settings,
            run_id="run",
            find_next=self.uploader.find_next,
            clock_ns=self.clock.now_ns,
            steady_s=self.clock.now_s,
        )

    def journal(self, session: str = SESSION) -> Path:
        """Make the folder that every session's ingest makes first."""
        path = self.state / "journal" / exchange_of(session) / session
        path.mkdir(parents=True, exist_ok=True)
        return path

    def receive(self, *frames: Frame) -> None:
        for frame in frames:
            self.writer.receive(encode(frame))

    def upload(self) -> None:
        """Upload all there is."""
        while not self.uploader.step():
            pass

    def watermark(self, session: str = SESSION) -> tuple[int, int]:
        return self.writer.watermark().sessions[session]

    def ranges(self) -> list[tuple[str, int, int]]:
        """Return session, first and last of each manifest in the spool."""
        manifests = map(self.spool.read, self.spool.committed.names())
        return [(m.session, m.first, m.last) for m in manifests]

    def files(self) -> list[str]:
        """Return every file of the spool."""
        folder = self.state / "spool"
        return sorted(
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file() and path.name != "reserve"
        )


def stored_numbers(store: MemoryStore, session: str = SESSION) -> list[int]:
    """Return every event number that the ledger's segments hold."""
    numbers: list[int] = []
    for key, data in store.objects.items():
        if key.startswith("ledger/") and session in key:
            entries = decode_manifest(data).tables["book"]
            numbers += [int(n) for entry in entries for n in store.objects[entry.key].split()]
    return sorted(numbers)


def noted(steps: list[str], say: Callable[..., str], do: Callable[..., None]) -> Any:
    """Return the function, which then also writes down that it was called."""

    def call(*arguments: Any) -> None:
        steps.append(say(*arguments))
        do(*arguments)

    return call


def broken_disk(*_: object) -> NoReturn:
    """Fail as a broken disk does."""
    raise OSError(errno.EIO, "broken")


def disk_full(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")
