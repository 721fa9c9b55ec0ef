"""Events of one session on their way into its journal, a frame each 20 ms.

Readers read and nothing else. Each 20 ms one thread has their feeds make events of what came,
numbers them and writes them. Done all at once, this takes a third of the time that it takes
message by message, each time with caches that have forgotten all of it. Nobody else gives event
numbers.
"""

from collections import Counter, deque
from collections.abc import Callable
from threading import Event
from typing import Final, Protocol

from shared.delivery.frame import Frame
from shared.delivery.frame_builder import FrameBuilder
from shared.delivery.journal import Journal
from shared.errors import ConnectionLost, JournalError
from shared.event import FeedEvent, Recorded, feed_event
from shared.process import log
from shared.process.alarm import Alarm

FRAME_INTERVAL_S: Final = 0.02
FRAME_BYTES_MAX: Final = 64 * 1024
PENDING_EVENTS_MAX: Final = 20_000  # ten seconds of every market of an exchange
MESSAGES_EAGER: Final = 256  # about a full frame: not worth waiting 20 ms
ROOM_WAIT_S: Final = 5.0  # for a slow disk
IDLE_S: Final = 0.1  # between two looks at what is due
RETRY_S: Final = 1.0  # after the disk refused a frame

_log = log.get(__name__)


class Source(Protocol):
    """Where messages come from, with the feed that makes events of them."""

    @property
    def backlog(self) -> int:
        """Return how many messages wait to be digested."""
        ...

    def digest(self) -> None:
        """Let the feed record the events of some of them, and do what is due."""
        ...


class Recorder:
    """The only writer of one session's journal."""

    def __init__(self, journal: Journal, clock_ns: Callable[[], int]) -> None:
        """Begin the session: its first event is `session_start`."""
        self._journal = journal
        self._builder = FrameBuilder(journal.session, journal.next_number)
        self._clock_ns = clock_ns
        self._sources: list[Source] = []
        self._pending: deque[tuple[int, str | None, Recorded]] = deque()
        self._frames: deque[Frame] = deque()  # not written yet
        self._alarm = Alarm()
        self._room = Event()
        self._is_idle = False
        self.kinds: Counter[str] = Counter()  # rows about the feed so far
        self.error: str | None = None  # why the disk refuses at the moment

    @property
    def events(self) -> int:
        """Return how many events were numbered so far."""
        return self._builder.next_number

    def record(self, ts_recv: int, symbol: str | None, event: Recorded) -> None:
        """Have an event appended; any thread may.

        Raise `ConnectionLost` where the disk has not kept up for so long that reading on would
        fill the memory: the hole this makes is a row like every outage.
        """
        # What we say ourselves must get through: the row of an outage comes after its beginning.
        is_ours = isinstance(event, FeedEvent) and event.kind != "malformed"
        if len(self._pending) >= PENDING_EVENTS_MAX and not is_ours:
            self._wait_for_room()
        self._pending.append((ts_recv, symbol, event))
        if self._is_idle:
            self._alarm.ring()

    def append(self, ts_recv: int, symbol: str | None, event: Recorded) -> None:
        """Append an event; only what a source's `digest` does may call this, and never waits."""
        builder = self._builder
        if builder.bytes >= FRAME_BYTES_MAX or not builder.begin <= ts_recv < builder.end:
            self._cut()
        builder.add(ts_recv, symbol, event)
        if isinstance(event, FeedEvent):
            self.kinds[event.kind] += 1

    def attach(self, source: Source) -> None:
        """Take messages from this source as well from now on."""
        self._sources.append(source)

    def announce(self, backlog: int) -> None:
        """Take note that a source has messages; any thread may say so."""
        if self._is_idle or backlog >= MESSAGES_EAGER:
            self._alarm.ring()

    def _wait_for_room(self) -> None:
        self._room.clear()
        self._alarm.ring()
        if len(self._pending) >= PENDING_EVENTS_MAX and not self._room.wait(ROOM_WAIT_S):
            raise ConnectionLost(f"the disk has not kept up for {ROOM_WAIT_S:g} s")

    def run(self, stop: Event) -> None:
        """Write until told to stop, and then what is left."""
        while not stop.is_set():
            self._alarm.wait(FRAME_INTERVAL_S)
            if not self._has_work() and self._sleep():
                continue  # others follow within the next 20 ms
            if not self.step():
                stop.wait(RETRY_S)
        self.step()

    def _sleep(self) -> bool:
        """Wait for the next message; return whether one came.

        That is cheaper than looking for one each 20 ms.
        """
        self._is_idle = True
        # What came before the line above woke nobody.
        has_come = self._has_work() or self._alarm.wait(IDLE_S)
        self._is_idle = False
        return has_come

    def _has_work(self) -> bool:
        return bool(self._pending) or any(source.backlog for source in self._sources)

    def step(self) -> bool:
        """Write the events of all that came; return False where the disk refused."""
        try:
            self._write()
            self._drain()
            self._digest()
            while any(source.backlog for source in self._sources):
                self._digest()
            self._cut()
            self._write()
        except JournalError as error:
            if self.error is None:
                _log.error("the journal cannot be written; retrying", extra={"why": str(error)})
            self.error = str(error)
            return False
        self.error = None
        self._room.set()
        return True

    def _digest(self) -> None:
        """Let each source have its turn, however much another one has."""
        for source in self._sources:
            source.digest()
            self._drain()
            self._write()

    def _drain(self) -> None:
        for _ in range(len(self._pending)):
            self.append(*self._pending.popleft())

    def _cut(self) -> None:
        """End the frame that is being built."""
        if self._builder.next_number > self._builder.first:
            self._frames.append(self._builder.take(self._journal.base))

    def _write(self) -> None:
        """Write the frames that are ready; what the disk refuses stays."""
        while self._frames:
            self._journal.append(self._frames[0])
            self._frames.popleft()

    def begin(self, **detail: str) -> None:
        """Append the session's first event."""
        assert self.events == 0
        self.record(self._clock_ns(), None, feed_event("session_start", **detail))

    def end(self) -> bool:
        """Write the session's last event, its readers having gone; return False where it cannot be.

        The session is open then: the next start ends it as one that was killed, behind what is
        on the disk.
        """
        if not self.step():
            return False
        try:
            end_session(self._journal, self._clock_ns(), reason="stopped")
        except JournalError as error:
            _log.error("the session cannot be ended", extra={"why": str(error)})
            return False
        return True


def end_session(journal: Journal, ts: int, *, reason: str) -> None:
    """Append the `session_end` that says how many events the session has."""
    builder = FrameBuilder(journal.session, journal.next_number)
    end = feed_event("session_end", reason=reason, events=journal.next_number + 1)
    builder.add(ts, None, end)
    journal.append(builder.take(journal.base))
