"""One ingest process: built here, watched here, ended here."""

import gc
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from functools import partial
from queue import Empty, SimpleQueue
from random import SystemRandom
from threading import Event
from typing import Final

from shared.delivery.journal import Journal
from shared.delivery.pipe import Publisher, WatermarkSubscriber, endpoint, open_context
from shared.delivery.sender import Sender
from shared.delivery.session import new_session
from shared.errors import LockHeld
from shared.exchange import Exchange
from shared.feed.feed import Feed
from shared.ingest.clock import ClockWatch
from shared.ingest.disk import DiskWatch
from shared.ingest.leftovers import Leftovers
from shared.ingest.recorder import Recorder
from shared.ingest.status import IngestStatus, View
from shared.process import log
from shared.process.files import Lock
from shared.process.retry import Backoff
from shared.process.settings import ExchangeSettings, Settings
from shared.process.state import ingest_name
from shared.process.status import StatusFile
from shared.process.threads import Threads
from shared.transport.connection import Connection
from shared.transport.limits import Limits
from shared.transport.poller import Poller
from shared.transport.reader import Reader
from shared.transport.rest import RestClient
from shared.transport.rest_worker import RestWorker
from shared.transport.sockets import Sockets

EXIT_FAULT: Final = 1
EXIT_LOCKED: Final = 75  # EX_TEMPFAIL of sysexits.h: supervisord tries again
ADOPT_INTERVAL_S: Final = 60.0
LOOK_S: Final = 1.0  # between two looks at the disk, the clock and the status
STOP_S: Final = 8.0  # for feeds, recorder and sender each; supervisord waits for longer
# Between two looks for cycles of objects. An event is a dozen objects and never a cycle; looking as
# often as Python does by itself takes a quarter of the time of all that is done with an event.
GC_ALLOCATIONS: Final = 100_000
RECONNECT_BASE_S: Final = 1.0
RECONNECT_CAP_S: Final = 60.0

_log = log.get(__name__)
_backoff = partial(Backoff, base_s=RECONNECT_BASE_S, cap_s=RECONNECT_CAP_S, random=SystemRandom())


def run(exchange: Exchange, settings: Settings, line: str = "a") -> int:
    """Record one exchange until TERM or INT; return the exit status.

    75: another process records this line already. 1: a fault of our own, which is in the log; the
    journal holds everything, and a new start goes on from there.
    """
    log.setup(ingest_name(exchange.name, line))
    lock = Lock(settings.state.folder.ingest_lock(exchange.name, line))
    try:
        lock.acquire()
    except LockHeld as held:
        _log.error("another process records this line", extra={"why": str(held)})
        return EXIT_LOCKED
    gc.set_threshold(GC_ALLOCATIONS)
    gc.freeze()  # what was imported stays: no look at it, neither while we record nor at the end
    ingest = Ingest(exchange, settings, line)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ingest.stop())
    threading.excepthook = ingest.fail
    try:
        return ingest.run()
    finally:
        lock.release()


class Ingest:
    """The parts of one ingest process, and their threads."""

    def __init__(self, exchange: Exchange, settings: Settings, line: str) -> None:
        """Build what lives as long as the process; nothing is asked of the exchange yet."""
        state, folder = settings.state.path, settings.state.folder
        self.has_failed = False
        # An Event may not be set by a signal handler: it could wait for itself.
        self._told_to_stop: SimpleQueue[None] = SimpleQueue()
        self._exchange = exchange
        self._line = line
        self._own: ExchangeSettings = settings.exchanges[exchange.name]
        journals = folder.journals_of(exchange.name)
        session = new_session(state, exchange.name, line, clock_ns=time.time_ns)
        self._journal = Journal.create(journals, session)
        self._recorder = Recorder(self._journal, time.time_ns)
        self._context = open_context()
        self._watermarks = WatermarkSubscriber(self._context, endpoint(state, "watermarks"))
        self._sender = Sender(
            [self._journal],
            partial(Publisher, self._context, endpoint(state, "frames")),
            self._watermarks,
            time.monotonic,
        )
        self._limits = Limits(
            folder.limits(exchange.name), exchange.limits, clock_ns=time.monotonic_ns
        )
        self._stop_feeds, self._stop_recorder, self._stop_sender = Event(), Event(), Event()
        self._rest = RestClient(exchange, self._own.rest_url, self._limits)
        self._sockets = Sockets(
            self._own.channels,
            whole_channels=exchange.whole_channels,
            symbols_per_socket=self._own.symbols_per_socket,
            add=self._add_reader,
        )
        self._poller: Poller | None = None
        self._rest_worker = self._make_rest_worker()
        self._pause = Event()  # the disk is full: no socket is open
        self._threads = Threads()
        record = self._recorder.record
        self._clock = ClockWatch(record=record, clock_ns=time.time_ns, steady_ns=time.monotonic_ns)
        self._disk = DiskWatch(
            lambda: shutil.disk_usage(state).free,
            settings.state.disk_free_min_bytes,
            record=record,
            pause=self._pause,
            clock_ns=time.time_ns,
        )
        self._leftovers = Leftovers(journals, self._sender, clock_ns=time.time_ns)
        self._adopt_due_s = 0.0
        process = ingest_name(exchange.name, line)
        file = StatusFile(folder.report(process), process, clock_ns=time.time_ns)
        self._status = IngestStatus(file, now_s=time.monotonic())

    def run(self) -> int:
        """Record until told to stop; return the exit status."""
        own = self._own
        symbols = "all" if own.symbols is None else str(len(own.symbols))
        self._recorder.begin(symbols=symbols, transport=own.transport)
        self._threads.start("recorder", self._recorder.run, self._stop_recorder)
        self._threads.start("sender", self._sender.run, self._stop_sender)
        self._look_at_machine()  # first: where the disk is full nothing is opened
        if own.symbols is not None:
            self._follow(own.symbols)
        self._threads.start("rest", self._rest_worker.run, self._stop_feeds)
        _log.info("recording", extra={"session": self._journal.session, "symbols": symbols})
        self._look()
        while not self._is_told():
            self._look()
        self._end()
        return EXIT_FAULT if self.has_failed else 0

    def stop(self) -> None:
        """Have `run` come to its end; any thread or signal handler may."""
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

    def _follow(self, symbols: Sequence[str]) -> None:
        """Record these symbols from now on; any thread may say so."""
        if self._own.transport == "websocket":
            self._sockets.follow(symbols)
        elif self._poller is None:
            self._poller = Poller(
                self._exchange,
                symbols,
                self._rest,
                record=self._recorder.record,
                poll_interval_s=self._own.poll_interval_s,
                clock_ns=time.time_ns,
                steady_s=time.monotonic,
                pause=self._pause,
            )
            self._threads.start("poller", self._poller.run, self._stop_feeds)
        else:
            self._poller.wanted = tuple(symbols)

    def _add_reader(self, symbols: Sequence[str], channels: Sequence[str]) -> Reader:
        own = self._own
        feed = Feed(
            self._exchange,
            symbols,
            channels,
            record=self._recorder.append,
            take=self._limits.take,
            ban=self._limits.block,
            stale_after_s=own.stale_after_s,
            checkpoint_interval_s=own.checkpoint_interval_s,
        )
        reader = Reader(
            feed,
            url=own.websocket_url,
            connect=partial(Connection, clock_ns=time.time_ns),
            connect_cost=self._exchange.connect_cost,
            take=self._limits.take,
            ban=self._limits.block,
            backoff=_backoff(),
            clock_ns=time.time_ns,
            steady_s=time.monotonic,
            pause=self._pause,
            announce=self._recorder.announce,
        )
        self._recorder.attach(reader)
        self._threads.start(f"reader-{len(self._sockets.readers)}", reader.run, self._stop_feeds)
        return reader

    def _make_rest_worker(self) -> RestWorker:
        return RestWorker(
            self._rest,
            follow=self._follow if self._own.symbols is None else None,
            backfills=lambda: [reader.feed.backfills for reader in self._sockets.readers],
            backoff=_backoff(),
            steady_s=time.monotonic,
        )

    def _look(self) -> None:
        """Look after what nothing else wakes up for."""
        now_s = time.monotonic()
        # One at a time: nothing else waits for a hundred of them, a stop neither.
        if now_s >= self._adopt_due_s and not self._leftovers.adopt():
            self._adopt_due_s = now_s + ADOPT_INTERVAL_S
        self._look_at_machine()
        self._write_status()

    def _look_at_machine(self) -> None:
        self._clock.look()
        self._disk.look()

    def _write_status(self, *, is_stopping: bool = False) -> None:
        view = View(
            exchange=self._exchange.name,
            line=self._line,
            ts=time.time_ns(),
            now_s=time.monotonic(),
            readers=list(self._sockets.readers),
            poller=self._poller,
            recorder=self._recorder,
            journal=self._journal,
            journals=self._sender.journals,
            disk_free_bytes=self._disk.free_bytes,
            is_paused=self._pause.is_set(),
            is_stopping=is_stopping,
            blocked_s=max(map(self._limits.blocked_s, (None, *self._exchange.limits))),
            rest_error=self._rest_worker.error,
        )
        try:
            self._status.write(view)
        except OSError as error:  # a full disk: the status is the least of it
            _log.warning("cannot write the status", extra={"why": str(error)})

    def _end(self) -> None:
        """End the session: no more messages, then the last event, then what can still be sent."""
        self._write_status(is_stopping=True)
        self._threads.end(self._stop_feeds, within_s=STOP_S)
        is_written = self._threads.end(self._stop_recorder, within_s=STOP_S)
        if not self.has_failed:
            self.has_failed = not (is_written and self._recorder.end())
        if self._threads.end(self._stop_sender, within_s=STOP_S):
            self._context.destroy()  # with whatever a sender that died left open
        _log.info(
            "ended", extra={"session": self._journal.session, "events": self._journal.next_number}
        )
