"""Runs one ingest process: builds its parts, watches them, ends the session."""

import gc
import shutil
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from typing import Final

from shared.delivery.chain import Chain
from shared.delivery.journal import Journal
from shared.delivery.pipe import Publisher, WatermarkSubscriber, endpoint, open_context
from shared.delivery.sender import Sender
from shared.delivery.session import new_session
from shared.errors import LockHeld
from shared.exchange import Exchange
from shared.ingest.bans import Bans
from shared.ingest.clock import ClockWatch
from shared.ingest.disk import DiskWatch
from shared.ingest.doors import Doors, make_backoff
from shared.ingest.holes import HoleWatch
from shared.ingest.instruments import Instruments
from shared.ingest.intake import Intake
from shared.ingest.leftovers import Leftovers
from shared.ingest.listings import Listings
from shared.ingest.live_books import LiveBooksFile
from shared.ingest.recorder import Recorder
from shared.ingest.status import IngestStatus, View
from shared.process import log
from shared.process.files import Lock
from shared.process.kernel_clock import read_kernel_clock
from shared.process.settings import ExchangeSettings, Settings, is_on_loopback
from shared.process.signals import STOP_SIGNALS
from shared.process.state import StateFolder, ingest_name
from shared.process.status import StatusFile
from shared.process.threads import Threads
from shared.transport.limits import Limits
from shared.transport.poller import stretch
from shared.transport.rest import RestClient
from shared.transport.rest_worker import RestWorker

EXIT_FAULT: Final = 1
EXIT_LOCKED: Final = 75  # EX_TEMPFAIL of sysexits.h: supervisord starts it again
ADOPT_INTERVAL_S: Final = 60.0
LOOK_S: Final = 1.0  # between two looks at the disk, the clock and the status
NAMES_S: Final = 10.0  # without a list by then, the exchange's rule forms the names
STOP_S: Final = 8.0  # for feeds, recorder and sender each; supervisord waits longer
# Allocations between two searches for cycles of objects. An event is a dozen objects, never a
# cycle; at Python's own rate the searches take a quarter of the time of each event.
GC_ALLOCATIONS: Final = 100_000

_log = log.get(__name__)


def run(exchange: Exchange, settings: Settings, line: str = "a") -> int:
    """Record one exchange until TERM or INT; return the exit status.

    75: another process records this line already. 1: a fault of our own, which the log describes;
    the journal keeps everything, and a new start goes on from there.
    """
    log.setup(ingest_name(exchange.name, line))
    lock = Lock(settings.state.folder.ingest_lock(exchange.name, line))
    try:
        lock.acquire()
    except LockHeld as held:
        _log.error("another process records this line", extra={"reason": str(held)})
        return EXIT_LOCKED
    gc.set_threshold(GC_ALLOCATIONS)
    gc.freeze()  # imported objects stay: the collector need not search them again
    ingest = Ingest(exchange, settings, line)
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: ingest.stop())
    threading.excepthook = ingest.fail
    try:
        return ingest.run()
    finally:
        lock.release()


class Ingest:
    """The parts of one ingest process, and their threads; the main thread owns it.

    Any thread or signal handler may call `stop` and `fail`.
    """

    def __init__(self, exchange: Exchange, settings: Settings, line: str) -> None:
        """Build all parts that live as long as the process; send the exchange nothing yet."""
        state, folder, self.has_failed = settings.state.path, settings.state.folder, False
        # A signal handler may not set an Event: it could wait for itself.
        self._told_to_stop: SimpleQueue[None] = SimpleQueue()
        self._exchange, self._line = exchange, line
        self._own: ExchangeSettings = settings.exchanges[exchange.name]
        session = new_session(state, exchange.name, line, clock_ns=time.time_ns)
        self._chain = Chain(state, session)
        self._journal = Journal.create(folder.journals_of(exchange.name), session)
        self._intake = Intake()
        self._recorder = Recorder(self._journal, self._intake, time.time_ns)
        self._context = open_context()
        self._watermarks = WatermarkSubscriber(self._context, endpoint(state, "watermarks"))
        publisher = partial(Publisher, self._context, endpoint(state, "frames"))
        self._sender = Sender([self._journal], publisher, self._watermarks, time.monotonic)
        limits, share = folder.limits(exchange.name), self._own.limit_share
        self._limits = Limits(limits, exchange.limits, steady_s=time.monotonic, share=share)
        self._stop_feeds, self._stop_recorder, self._stop_sender = Event(), Event(), Event()
        bans = Bans(self._intake, time.time_ns, is_polled=self._own.transport == "rest")
        self._rest = RestClient(exchange, self._own.rest_url, self._limits, on_ban=bans.note_ban)
        self._pause = Event()  # set while the disk is full: no socket is open
        self._threads = Threads()
        self._doors = Doors(
            exchange,
            self._own,
            self._intake,
            self._limits,
            self._rest,
            threads=self._threads,
            stop=self._stop_feeds,
            pause=self._pause,
        )
        self._listings = self._make_listings(folder.instruments(exchange.name, line))
        self._rest_worker = RestWorker(
            self._rest,
            take_list=self._listings.take_list,
            book_interval_s=_find_book_interval_s(exchange),
            boards=self._doors.boards,
            backoff=make_backoff(),
            clock_ns=time.time_ns,
            steady_s=time.monotonic,
        )
        self._clock = ClockWatch(clock_ns=time.time_ns, steady_s=time.monotonic)
        self._leftovers = Leftovers(self._journal.path.parent, self._sender, clock_ns=time.time_ns)
        self._disk = _watch_disk(settings, self._doors.find_live)
        self._adopt_due_s = 0.0
        self._holes = HoleWatch(self._watermarks, session)
        self._status = _make_status(folder, ingest_name(exchange.name, line))
        self._live_books = LiveBooksFile(folder, session, clock_ns=time.time_ns)

    def _make_listings(self, path: Path) -> Listings:
        follow = self._doors.follow if self._own.symbols is None else None
        return Listings(
            self._doors,
            Instruments(path),
            self._intake.record,
            follow,
            has_room=lambda: self._intake.has_room,
        )

    def run(self) -> int:
        """Record until told to stop; return the exit status."""
        own = self._own
        symbols = "all" if own.symbols is None else str(len(own.symbols))
        symbols = symbols if own.enabled else "0"
        before = self._chain.before
        self._recorder.begin(symbols=symbols, transport=own.transport, session_before=before)
        self._threads.start("recorder", self._recorder.run, self._stop_recorder)
        self._threads.start("sender", self._sender.run, self._stop_sender)
        self._look_at_machine()  # first: with a full disk no socket opens
        self._begin()
        _log.info("recording", extra={"session": self._journal.session, "symbols": symbols})
        self._look()
        while not self._is_told():
            self._look()
        self._end()
        return EXIT_FAULT if self.has_failed else 0

    def _begin(self) -> None:
        """Open the exchange's doors, if it is enabled; the sender delivers journals in any case."""
        if not self._own.enabled:
            return
        self._threads.start("rest", self._rest_worker.run, self._stop_feeds)
        if self._own.symbols is not None:
            self._wait_for_names()
            self._doors.follow(self._own.symbols)

    def _wait_for_names(self) -> None:
        """Wait briefly for the list that names the symbols, if the exchange has no rule."""
        until_s = time.monotonic() + NAMES_S
        while not self._doors.names.is_known and time.monotonic() < until_s:
            if self._is_told():
                self.stop()  # so that `run` sees the request too
                return

    def stop(self) -> None:
        """Make `run` end."""
        self._told_to_stop.put(None)

    def _is_told(self) -> bool:
        try:
            self._told_to_stop.get(timeout=LOOK_S)
        except Empty:
            return False
        return True

    def fail(self, args: threading.ExceptHookArgs) -> None:
        """End the process because one of its threads died: half an ingest records nothing whole."""
        self.has_failed = True
        self.stop()
        assert args.exc_value is not None
        name = args.thread.name if args.thread else "?"
        _log.critical(
            "a thread died; starting again", exc_info=args.exc_value, extra={"died": name}
        )

    def _look(self) -> None:
        """Do the chores that no other event triggers."""
        now_s = time.monotonic()
        # One journal at a time, so that a stop never waits for a hundred of them.
        if now_s >= self._adopt_due_s and not self._leftovers.adopt():
            self._adopt_due_s = now_s + ADOPT_INTERVAL_S
        self._remember()
        self._look_at_machine()
        self._write_status()
        self._live_books.look(self._doors.boards)

    def _remember(self) -> None:
        """Let the next session name this one, once its first event is synced."""
        if self._journal.synced and not self._chain.is_remembered:
            self._chain.remember()

    def _look_at_machine(self) -> None:
        ts, events = time.time_ns(), (self._clock.look(), self._disk.look())
        self._intake.record([(ts, None, event) for event in events if event is not None])
        # After a step back of the clock, or a hole, a reader needs each book whole again.
        if self._holes.look() or self._clock.has_gone_back:
            self._doors.write_books()
        # Only now: the row of a full disk precedes those of the connections that it closes.
        if self._disk.is_full:
            self._pause.set()
        else:
            self._pause.clear()

    def _write_status(self, *, is_stopping: bool = False) -> None:
        view = View(
            exchange=self._exchange.name,
            is_enabled=self._own.enabled,
            line=self._line,
            ts=time.time_ns(),
            now_s=time.monotonic(),
            boards=list(self._doors.boards),
            recorder=self._recorder.view,
            journal=self._journal,
            sessions_refused=self._sender.refused,
            journals=self._sender.journals,
            disk_free_bytes=self._disk.free_bytes,
            is_paused=self._pause.is_set(),
            is_stopping=is_stopping,
            blocked_s=self._limits.blocked_s(*self._exchange.limits),
            rest_error=self._rest_worker.error,
            not_trading=self._listings.not_trading,
            poll_interval_s=self._poll_interval_s(),
            is_on_loopback=is_on_loopback(self._own),
            clock=read_kernel_clock(),
            received_bytes=self._doors.received_bytes,
        )
        try:
            self._status.write(view)
        except OSError as error:  # a full disk, which the disk watch reports
            _log.warning("cannot write the status", extra={"reason": str(error)})

    def _poll_interval_s(self) -> float | None:
        boards = self._doors.boards
        if self._own.transport == "websocket" or not boards:
            return None
        own = self._own
        books = len(boards[0].wanted)
        return stretch(self._exchange, own.poll_interval_s, books, share=own.limit_share)

    def _end(self) -> None:
        """End the session: stop the messages, write the last event, send what the pipe takes."""
        self._write_status(is_stopping=True)
        self._threads.end(self._stop_feeds, within_s=STOP_S)
        is_written = self._threads.end(self._stop_recorder, within_s=STOP_S)
        if not self.has_failed:
            self.has_failed = not (is_written and self._recorder.end())
        if self._threads.end(self._stop_sender, within_s=STOP_S):
            self._remember()
            self._context.destroy()  # and all sockets that a dead sender left open
        _log.info(
            "ended", extra={"session": self._journal.session, "events": self._journal.next_number}
        )


def _make_status(folder: StateFolder, process: str) -> IngestStatus:
    file = StatusFile(folder.report(process), process, clock_ns=time.time_ns)
    return IngestStatus(file, now_s=time.monotonic())


def _find_book_interval_s(exchange: Exchange) -> float | None:
    """Return the seconds between two REST requests for books; `None` if no book begins so."""
    return exchange.snapshot_interval_s if exchange.snapshot_by == "rest" else None


def _watch_disk(settings: Settings, find_live: Callable[[], list[str]]) -> DiskWatch:
    path, min_bytes = settings.state.path, settings.state.disk_free_min_bytes
    return DiskWatch(lambda: shutil.disk_usage(path).free, min_bytes, find_live=find_live)
