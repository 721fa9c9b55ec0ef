"""Runs the writer's process, with one buffer for each exchange."""

import gc
import shutil
import signal
import time
import uuid
from contextlib import suppress
from queue import Empty, SimpleQueue
from random import SystemRandom
from threading import Event, Thread
from typing import Final

from msgspec.structs import asdict

from booktape.memory import bound_memory, give_back
from booktape.store.opening import open_store
from services.buffer_writer.committed import Committed
from services.buffer_writer.home import Home, find_home
from services.buffer_writer.reserve import Reserve, is_full
from services.buffer_writer.segment import prepare_arrow, write_segments
from services.buffer_writer.sessions import SessionFiles
from services.buffer_writer.spool import Spool
from services.buffer_writer.uploader import Uploader
from services.buffer_writer.writer import Writer
from shared.delivery.pipe import Receiver, WatermarkPublisher, endpoint, open_context
from shared.errors import LockHeld, SpoolError
from shared.process import log
from shared.process.files import Lock
from shared.process.room import explain_refusal
from shared.process.settings import Settings
from shared.process.signals import STOP_SIGNALS
from shared.process.state import WRITER as NAME
from shared.process.stats import Rate
from shared.process.status import StatusFile, WriterReport

EXIT_FAULT: Final = 1
EXIT_LOCKED: Final = 75  # EX_TEMPFAIL of sysexits.h: supervisord starts it again
TICK_S: Final = 0.1  # between two looks at an empty pipe, and two watermarks
IDLE_TICK_S: Final = 0.5  # the same after so long without a frame:
IDLE_AFTER_S: Final = 2.0
STATUS_S: Final = 1.0
# At the end; supervisord waits longer than these three together.
DRAIN_S: Final = 2.0  # for frames already sent; the journals keep later ones
QUIET_MS: Final = 300  # after so long an empty pipe counts as drained
UPLOAD_S: Final = 15.0  # flushes not stored by then stay in the spool
_log = log.get(__name__)


def run(settings: Settings) -> int:
    """Write the tape until told to stop; return the exit status.

    75: another writer holds this state. 1: a fault of our own or of the disk, which the log
    describes; the journals and the spool keep everything, and a new start goes on from there.
    """
    log.setup(NAME)
    bound_memory()
    prepare_arrow()
    gc.freeze()  # imported objects stay: the collector need not search them again
    lock = Lock(settings.state.folder.writer_lock)
    stop = Stop()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: stop.set())
    try:
        with lock:
            return WriterProcess(settings).run(stop)
    except LockHeld as held:
        _log.error("another writer runs", extra={"reason": str(held)})
        return EXIT_LOCKED
    except (OSError, SpoolError):
        _log.exception("the writer cannot go on")
        return EXIT_FAULT


class Stop:
    """A flag that a signal handler may set; an Event could wait for itself there."""

    def __init__(self) -> None:
        """Start unset."""
        self.is_set = False
        self._woken: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        """Set the flag; any thread or signal handler may."""
        self.is_set = True
        self._woken.put(None)

    def wait(self, seconds: float) -> None:
        """Wait for `seconds`, or until the flag is set."""
        with suppress(Empty):
            self._woken.get(timeout=seconds)


class Ticks:
    """Decides how long to wait for frames: longer after a while without any."""

    def __init__(self) -> None:
        """Start as if frames had come just now."""
        self._frames = -1
        self._moved_s = 0.0

    def next_s(self, frames: int, now_s: float) -> float:
        """Return the seconds to the next look; `frames` counts all frames so far."""
        if frames != self._frames:
            self._frames, self._moved_s = frames, now_s
        return TICK_S if now_s - self._moved_s < IDLE_AFTER_S else IDLE_TICK_S


class WriterProcess:
    """The parts of the writer and its two threads: this one receives, the other uploads."""

    def __init__(self, settings: Settings) -> None:
        """Build the parts that need no other process; recover the spool."""
        self._state = settings.state.path
        self._folder = settings.state.folder
        self._settings = settings
        self._status = StatusFile(self._folder.report(NAME), NAME, clock_ns=time.time_ns)
        self._rate = Rate(now_s=time.monotonic())
        self._status_due_s = time.monotonic()
        self._spool = self._recover_spool()
        home = self._folder.home
        is_used = find_home(home, settings.storage, self._spool.committed)
        store = Home(open_store(settings.storage, is_used=is_used), home, settings.storage)
        random = SystemRandom()
        self._uploader = Uploader(self._spool, store, random=random, clock_ns=time.time_ns)
        self._stop_uploading = Event()
        self._uploading = Thread(
            target=self._uploader.run, args=(self._stop_uploading,), name="upload", daemon=True
        )

    def run(self, stop: Stop) -> int:
        """Receive and upload until told to stop, then drain; return the exit status."""
        # The uploads come first: on a full disk only they make room.
        self._uploading.start()
        self._writer = Writer(
            self._spool,
            self._settings.writer,
            run_id=uuid.uuid4().hex,
            find_next=self._uploader.find_next,
            clock_ns=time.time_ns,
            steady_s=time.monotonic,
        )
        with open_context() as context:
            receiver = Receiver(context, endpoint(self._state, "frames"))
            watermarks = WatermarkPublisher(context, endpoint(self._state, "watermarks"))
            try:
                _log.info("the writer runs", extra={"store": self._settings.storage.url})
                self._serve(stop, receiver, watermarks)
                self._drain(receiver, watermarks)
            finally:
                receiver.close()
                watermarks.close()
        return 0 if stop.is_set else EXIT_FAULT

    def _serve(self, stop: Stop, receiver: Receiver, watermarks: WatermarkPublisher) -> None:
        ticks = Ticks()
        # If the other thread died, it logged the reason; only a new process can go on.
        while not stop.is_set and self._uploading.is_alive():
            flushes = self._writer.counters.flushes
            if time.monotonic() >= self._status_due_s:  # once a second
                self._bind_anew(receiver, watermarks)
            is_busy = self._receive(receiver)
            self._writer.flush_due()
            self._writer.tend_sessions()
            watermarks.publish(self._writer.watermark())
            self._report()
            if self._writer.counters.flushes != flushes:
                give_back()
            if not is_busy:
                stop.wait(ticks.next_s(self._writer.counters.frames, time.monotonic()))

    def _bind_anew(self, *sockets: Receiver | WatermarkPublisher) -> None:
        """Bind the sockets anew if a cleaner of temporary files removed their folder."""
        if not all(socket.is_there for socket in sockets):
            _log.warning("somebody removed the sockets' files; binding them anew")
            endpoint(self._state, "frames")  # this makes the folder
            for socket in sockets:
                socket.bind_anew()

    def _receive(self, receiver: Receiver) -> bool:
        """Receive for at most one tick; return whether the pipe may have more."""
        end_s = time.monotonic() + TICK_S
        while time.monotonic() < end_s:
            data = None if self._writer.is_blocked else receiver.receive(timeout_ms=0)
            if data is None:
                return False
            self._writer.receive(data)
        return True

    def _drain(self, receiver: Receiver, watermarks: WatermarkPublisher) -> None:
        end_s = time.monotonic() + DRAIN_S
        while not self._writer.is_blocked and time.monotonic() < end_s:
            data = receiver.receive(timeout_ms=QUIET_MS)
            if data is None:
                break
            self._writer.receive(data)
        self._writer.flush_all()
        watermarks.publish(self._writer.watermark())
        self._stop_uploading.set()
        end_s = time.monotonic() + UPLOAD_S
        while self._uploading.is_alive() and time.monotonic() < end_s:
            self._uploading.join(STATUS_S)
            self._report()
        _log.info("the writer ends", extra={"spool_flushes": len(self._spool.committed.names())})

    def _recover_spool(self) -> Spool:
        reserve = Reserve(
            self._folder.reserve,
            self._settings.writer.flush_bytes,
            floor_bytes=self._settings.state.disk_free_min_bytes // 4,
            disk_free=self._disk_free,
        )
        sessions = SessionFiles(self._folder.sessions, self._folder.journals)
        spool = Spool(
            self._folder.spool,
            Committed(sessions, reserve),
            reserve,
            write_segments=write_segments,
            clock_ns=time.time_ns,
        )
        spool.recover()
        return spool

    def _disk_free(self) -> int:
        return shutil.disk_usage(self._state).free

    def _report(self) -> None:
        """Write the status file if it is due."""
        now_s = time.monotonic()
        if now_s < self._status_due_s:
            return
        self._status_due_s = now_s + STATUS_S
        try:
            self._status.write(self._make_report(now_s))
        except OSError as error:  # a full disk, which the writer reports when it flushes
            _log.warning("cannot write the status", extra={"reason": str(error)})

    def _make_report(self, now_s: float) -> WriterReport:
        writer, spool, uploader = self._writer, self._spool, self._uploader
        disk = shutil.disk_usage(self._state)
        return WriterReport(
            **self._status.head(),
            **asdict(writer.counters),
            state=_state_of(writer.flush_error),
            rows_per_s=self._rate.measure(writer.counters.rows, now_s=now_s),
            rows_buffered=writer.rows,
            flush_error=(
                explain_refusal(writer.flush_error, self._folder.spool)
                if writer.flush_error
                else None
            ),
            held_sessions=writer.held,
            journal_holes=dict(writer.holes),
            sessions=writer.watermark().sessions,
            spool_bytes=spool.committed.waiting_bytes,
            spool_flushes=len(spool.committed.names()),
            oldest_flush_ts=spool.committed.oldest_ts,
            flush_interval_s=self._settings.writer.flush_interval_s,
            conflicts=spool.count_conflicts(),
            last_upload_ts=uploader.last_upload_ts,
            upload_error=uploader.error,
            uploads=uploader.uploads,
            upload_bytes=uploader.upload_bytes,
            upload_failures=uploader.upload_failures,
            disk_free_bytes=disk.free,
            disk_size_bytes=disk.total,
            disk_free_min_bytes=self._settings.state.disk_free_min_bytes,
        )


def _state_of(flush_error: OSError | None) -> str:
    if flush_error is None:
        return "running"
    return "disk_full" if is_full(flush_error) else "disk_error"
