"""The processes of the simulated machine, made of the code that the real ones are made of."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Event
from typing import Final

from booktape.store.protocol import Store
from services.buffer_writer.committed import Committed
from services.buffer_writer.reserve import Reserve
from services.buffer_writer.sessions import SessionFiles
from services.buffer_writer.spool import Spool, WriteSegments
from services.buffer_writer.uploader import Uploader
from services.buffer_writer.writer import Writer
from shared.delivery.journal import Journal
from shared.delivery.sender import Sender
from shared.delivery.session import new_session
from shared.ingest.intake import Intake
from shared.ingest.leftovers import Leftovers
from shared.ingest.recorder import Recorder
from shared.process.files import Lock
from shared.process.settings import WriterSettings
from tests.simulation.clock import Clock
from tests.simulation.fate import Process
from tests.simulation.feed import Feed
from tests.simulation.pipe import Network

RESERVE_BYTES: Final = 600
FLOOR_BYTES: Final = 400
FRAMES_PER_TICK_MAX: Final = 20


class Ingest:
    """One line of one exchange; each method is a turn of one of its threads."""

    def __init__(self, state: Path, exchange: str, line: str) -> None:
        self.key = f"{exchange}-{line}"
        self.process = Process(f"ingest {self.key}")
        self.threads: tuple[Callable[[], None], ...] = ()
        self.is_locked = False
        self._state = state
        self._exchange = exchange
        self._line = line
        self._journals = state / "journal" / exchange

    def start(self, clock: Clock, network: Network, feed: Feed, random: Random) -> None:
        self._lock = Lock(self._state / "locks" / f"{self.key}.lock")
        self._lock.acquire()
        session = new_session(self._state, self._exchange, self._line, clock_ns=clock.ns)
        journal = Journal.create(self._journals, session)
        self._clock, self._feed, self._random = clock, feed, random
        self.intake = Intake()
        self.recorder = Recorder(journal, self.intake, clock.ns)
        self.sender = Sender(
            [journal],
            lambda: network.make_pipe(self.process),
            network.subscribe(self.process),
            clock.s,
        )
        self._leftovers = Leftovers(self._journals, self.sender, clock_ns=clock.ns)
        self.recorder.begin()
        self.threads = (self.record, self.record, self.send, self.send, self.adopt)
        self.adopt()

    def record(self) -> None:
        for _ in range(self._random.randrange(1, 9)):
            symbol, event = self._feed.next()
            self.intake.record([(self._clock.ns(), symbol, event)])
        self.recorder.step()

    def send(self) -> None:
        self.sender.step()

    def adopt(self) -> None:
        while self._leftovers.adopt():
            pass

    def end(self) -> None:
        """End the session; its sender goes on."""
        self.threads = (self.send, self.adopt)
        self.recorder.end()

    def stop(self) -> None:
        """End the process in order."""
        self.end()
        self.close()

    def close(self) -> None:
        self.threads = ()
        stop = Event()
        stop.set()
        self.sender.run(stop)
        self._lock.release()


class BufferWriter:
    """The writer; each method is a turn of one of its threads."""

    key: Final = "writer"

    def __init__(self, state: Path) -> None:
        self.process = Process(self.key)
        self.threads: tuple[Callable[[], None], ...] = ()
        self._state = state

    def start(
        self,
        clock: Clock,
        network: Network,
        random: Random,
        store: Store,
        settings: WriterSettings,
        *,
        run_id: str,
        write_segments: WriteSegments,
        disk_free: Callable[[], int],
    ) -> None:
        state = self._state
        self._lock = Lock(state / "locks" / "writer.lock")
        self._lock.acquire()
        self._network = network
        self.settings = settings
        reserve = Reserve(
            state / "spool" / "reserve",
            RESERVE_BYTES,
            floor_bytes=FLOOR_BYTES,
            disk_free=disk_free,
        )
        sessions = SessionFiles(state / "sessions", state / "journal")
        self.spool = Spool(
            state / "spool",
            Committed(sessions, reserve),
            reserve,
            write_segments=write_segments,
            clock_ns=clock.ns,
        )
        self.spool.recover()
        self.uploader = Uploader(self.spool, store, random=random, clock_ns=clock.ns)
        self.writer = Writer(
            self.spool,
            settings,
            run_id=run_id,
            find_next=self.uploader.find_next,
            clock_ns=clock.ns,
            steady_s=clock.s,
        )
        self.threads = (self.tick, self.tick, self.upload, self.upload)

    @property
    def is_locked(self) -> bool:
        """Say whether its other thread would have to wait."""
        return not self.threads or self.spool.committed.lock.locked()

    def tick(self) -> None:
        """Do one round of what the main thread does for ever."""
        for _ in range(FRAMES_PER_TICK_MAX):
            data = None if self.writer.is_blocked else self._network.receive()
            if data is None:
                break
            self.writer.receive(data)
        self.writer.flush_due()
        self.writer.tend_sessions()
        self._network.publish(self.writer.watermark())

    def upload(self) -> None:
        self.uploader.step()

    def upload_all(self) -> None:
        while not self.uploader.step():
            pass

    def stop(self) -> None:
        """End the process in order."""
        self.threads = (self.upload,)
        while not self.writer.is_blocked:
            data = self._network.receive()
            if data is None:
                break
            self.writer.receive(data)
        self.writer.flush_all()
        self._network.publish(self.writer.watermark())
        stop = Event()
        stop.set()
        self.uploader.run(stop)
        self._lock.release()
