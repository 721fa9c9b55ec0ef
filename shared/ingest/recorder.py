"""The recorder writes the events of one session into its journal, a frame every 20 ms.

Readers only read. Every 20 ms the recorder's thread makes the feeds turn the messages into events,
numbers the events and writes them; no other thread gives event numbers. In one go this takes a
third of the time that it takes message by message, each time with cold caches.
"""

from collections import Counter, deque
from collections.abc import Callable
from threading import Event
from typing import Final

from msgspec import Struct

from shared.delivery.frame import Frame
from shared.delivery.frame_builder import FrameBuilder
from shared.delivery.journal import Journal
from shared.errors import JournalError
from shared.event import FeedEvent, Row, feed_event
from shared.ingest.intake import Intake, RowSource
from shared.process import log

FRAME_INTERVAL_S: Final = 0.02
FRAME_BYTES_MAX: Final = 64 * 1024
THIN_EVENTS_MAX: Final = 1  # in 20 ms: so few that the recorder sleeps until the next message
RETRY_S: Final = 1.0  # after the disk refused a frame

_log = log.get(__name__)


class RecorderView(Struct, frozen=True):
    """The recorder's state: its counts so far, and the disk's error if it refuses frames."""

    events: int = 0
    kinds: dict[str, int] = {}  # rows about the feed, by kind
    error: str | None = None
    delay_ns: int | None = None  # from the exchange's time of an event to our receive time


class Recorder:
    """The only writer of one session's journal.

    Its own thread owns it, with all sources and their feeds; `begin` comes before that thread,
    `end` after it. Any thread may read `view`, which is replaced whole.
    """

    def __init__(self, journal: Journal, intake: Intake, clock_ns: Callable[[], int]) -> None:
        """Prepare the session's first frame; `begin` appends its first event."""
        self.view = RecorderView()
        self._journal = journal
        self._intake = intake
        self._builder = FrameBuilder(journal.session, journal.next_number)
        self._clock_ns = clock_ns
        self._frames: deque[Frame] = deque()  # not written yet
        self._kinds: Counter[str] = Counter()  # rows about the feed so far
        self._error: str | None = None
        self._delay_ns: int | None = None

    def run(self, stop: Event) -> None:
        """Write until told to stop; then write the rest."""
        intake, builder = self._intake, self._builder
        is_thin = False
        while not stop.is_set():
            # If events come one by one, sleep until the next message or chore.
            if not is_thin or intake.sleep():
                intake.wait(FRAME_INTERVAL_S)  # collect what follows within these 20 ms
            next_number = builder.next_number
            if not self.step():
                stop.wait(RETRY_S)
            is_thin = builder.next_number - next_number <= THIN_EVENTS_MAX
        self.step()

    def step(self) -> bool:
        """Write the events of all new messages; return False if the disk refused."""
        try:
            self._write()
            self._append(self._intake.take())
            self._digest(self._intake.sources)
            while behind := [one for one in self._intake.sources if one.backlog]:
                self._digest(behind)
            self._cut_frame()
            self._write()
        except JournalError as error:
            if self._error is None:
                _log.error("the disk refuses the journal; retrying", extra={"reason": str(error)})
            self._error = str(error)
        else:
            self._error = None
        self._show()
        return self._error is None

    def _show(self) -> None:
        number, kinds = self._builder.next_number, dict(self._kinds)
        self.view = RecorderView(number, kinds, self._error, self._delay_ns)

    def _digest(self, sources: list[RowSource]) -> None:
        """Digest a bounded part of each source, so that a busy one delays no other."""
        for source in sources:
            for rows in source.digest():
                self._append(rows)
            if self._frames:
                self._write()
        self._append(self._intake.take())

    def _append(self, rows: list[Row]) -> None:
        """Append these rows to the current frame, each under its number."""
        builder = self._builder
        for ts_recv, symbol, event in rows:
            if builder.bytes >= FRAME_BYTES_MAX or not builder.begin <= ts_recv < builder.end:
                self._cut_frame()
            builder.add(ts_recv, symbol, event)
            if type(event) is FeedEvent:  # cheaper than `isinstance` for the other classes
                self._kinds[event.kind] += 1
        if rows:
            self._measure_delay(rows[-1])

    def _measure_delay(self, row: Row) -> None:
        """Measure the delay of a row, if the exchange gives its time."""
        ts_recv, _, event = row
        ts_event = getattr(event, "ts_event", None)
        if ts_event is not None:
            self._delay_ns = ts_recv - ts_event

    def _cut_frame(self) -> None:
        """End the current frame."""
        if self._builder.next_number > self._builder.first:
            self._frames.append(self._builder.take(self._journal.base))

    def _write(self) -> None:
        """Write the frames that are ready; keep those that the disk refuses."""
        while self._frames:
            self._journal.append(self._frames[0])
            self._frames.popleft()

    def begin(self, **detail: str | None) -> None:
        """Append the session's first event."""
        assert self._builder.next_number == 0
        self._append([(self._clock_ns(), None, feed_event("session_start", **detail))])

    def end(self) -> bool:
        """Write the session's last event after its readers ended; return False if the disk refuses.

        In that case the session stays open: the next start ends it as killed, after the last event
        on the disk.
        """
        if not self.step():
            return False
        try:
            end_session(self._journal, self._clock_ns(), reason="stopped")
        except JournalError as error:
            _log.error("cannot end the session", extra={"reason": str(error)})
            return False
        return True


def end_session(journal: Journal, ts: int, *, reason: str) -> None:
    """Append `session_end`, with the number of events in the session."""
    builder = FrameBuilder(journal.session, journal.next_number)
    end = feed_event("session_end", reason=reason, events=journal.next_number + 1)
    builder.add(ts, None, end)
    journal.append(builder.take(journal.base))
