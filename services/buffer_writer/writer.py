"""The writer takes, trims or refuses each frame, and flushes when due.

The writer takes every session's events in order, each once. `expected` is the next number that it
takes, `committed` the first that is not safe yet; the events between are in a buffer. The writer
drops a refused frame without loss: its sender goes back to `expected`.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from booktape.errors import TapeError
from booktape.keys import exchange_of
from booktape.manifest import TableEntry
from services.buffer_writer.admission import Admission
from services.buffer_writer.buffer import Buffer
from services.buffer_writer.events import BadFrame
from services.buffer_writer.incoming import cut_frame, ends_session, guess_session
from services.buffer_writer.spool import Spool
from shared.delivery.frame import DAY_NS, Frame, decode, encode
from shared.delivery.frame_builder import FrameBuilder
from shared.delivery.pipe import Watermark
from shared.errors import FrameError, UnknownFrameVersion
from shared.event import FeedEvent
from shared.process import log
from shared.process.settings import WriterSettings
from shared.process.stats import WriterCounters

FLUSH_RETRY_S: Final = 5.0
HOLES_SESSIONS_MAX: Final = 1000  # sessions whose holes `status` counts
_log = log.get(__name__)


class Writer:
    """Holds a buffer for each exchange, and the progress of each session."""

    def __init__(
        self,
        spool: Spool,
        settings: WriterSettings,
        *,
        run_id: str,
        find_next: Callable[[str], int | None],
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
    ) -> None:
        """Go on from a recovered spool; `find_next` asks the store's ledger for a session."""
        self.counters = WriterCounters()
        self.holes: Counter[str] = Counter()  # holes that it wrote, by session
        self._hole_ends: dict[str, int] = {}  # of each session, the number after its last hole
        self.flush_error: OSError | None = None  # the error of the last flush, if it failed
        self._spool = spool
        self._settings = settings
        self._run_id = run_id
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._admission = Admission(spool.committed, find_next=find_next, steady_s=steady_s)
        self._expected = self._admission.expected
        self._buffers: dict[str, Buffer] = {}
        self._since_s: dict[str, float] = {}  # when each buffer began to fill
        self._day = clock_ns() // DAY_NS
        self._retry_s: float | None = None

    @property
    def is_blocked(self) -> bool:
        """Return whether to receive nothing, because the disk refuses a flush.

        Then the pipe fills up, and the journals keep the rest.
        """
        return self._retry_s is not None

    @property
    def held(self) -> dict[str, str]:
        """Return each session that the writer holds back, and the reason."""
        return self._admission.held

    @property
    def rows(self) -> int:
        """Return the number of buffered rows."""
        return sum(buffer.rows for buffer in self._buffers.values())

    def watermark(self) -> Watermark:
        """Return the progress of each session."""
        known = self._spool.committed.sessions()
        holes = {
            session: self._hole_ends.get(session, known[session].last_hole)
            for session in self._expected
        }
        return Watermark(
            self._run_id,
            {session: (known[session].next, number) for session, number in self._expected.items()},
            {session: number for session, number in holes.items() if number},
        )

    def receive(self, data: bytes) -> None:
        """Take a frame if it is its session's next; flush its exchange's buffer if it is full."""
        assert not self.is_blocked
        self.counters.frames += 1
        try:
            frame = decode(data)
            exchange = exchange_of(frame.session)
        except UnknownFrameVersion as error:
            # The journal keeps the frame for a release that can read it.
            self._hold_session(guess_session(data), str(error))
            return
        except (FrameError, TapeError) as error:
            self._refuse(guess_session(data), data, error)
            return
        if not self._admission.admits(frame):
            self.counters.frames_refused += 1
            return
        try:
            self._accept(frame, data)
        except FrameError as error:
            self._refuse(frame.session, data, error)
        if self._is_full(exchange):
            self.flush(exchange)

    def _accept(self, frame: Frame, data: bytes) -> None:
        """Append the new events of a frame; raise FrameError if the frame contradicts itself."""
        session = frame.session
        if frame.base > self._expected[session]:
            self._append_hole(session, frame.base)
        expected = self._expected[session]
        if frame.last < expected or frame.first > expected:
            self.counters.frames_doubled += frame.last < expected
            self.counters.frames_ahead += frame.first > expected
            return
        is_end = ends_session(frame, data)
        if frame.first < expected:
            frame = cut_frame(frame, expected)
        self._append(frame, is_end=is_end)

    def _append(self, frame: Frame, *, resumes_at: int | None = None, is_end: bool = False) -> None:
        exchange = exchange_of(frame.session)
        buffer = self._buffers.setdefault(exchange, Buffer())
        if buffer.is_empty:
            self._since_s[exchange] = self._steady_s()
        buffer.append(frame, resumes_at=resumes_at, ends_session=is_end)
        self._expected[frame.session] = frame.last + 1 if resumes_at is None else resumes_at
        self.counters.rows += frame.rows
        if buffer.is_loose:
            self._pack(buffer)

    def _pack(self, buffer: Buffer) -> None:
        try:
            buffer.pack()
        except BadFrame as error:
            self._drop_frame(buffer, error)

    def _append_hole(self, session: str, present: int) -> None:
        """Write a `journal_hole` under the first number that the journal lost."""
        self.holes[session] += 1
        self._hole_ends[session] = present
        if len(self.holes) > HOLES_SESSIONS_MAX:
            oldest = next(iter(self.holes))
            del self.holes[oldest]
            self._hole_ends.pop(oldest, None)
        missing = self._expected[session]
        _log.error(
            "a journal has lost events: the tape has a hole",
            extra={"session": session, "first_missing": missing, "next_present": present},
        )
        event = FeedEvent(
            kind="journal_hole",
            sequence_expected=missing,
            sequence_received=present,
            detail=msgspec.json.encode({"events": present - missing}).decode(),
        )
        builder = FrameBuilder(session, missing)
        builder.add(self._clock_ns(), None, event)
        self._append(builder.take(base=missing), resumes_at=present)

    def tend_sessions(self) -> None:
        """Begin waiting sessions; forget those that the store has whole."""
        self._admission.tend()

    def _refuse(self, session: str, data: bytes, error: Exception) -> None:
        """Set an unusable frame aside, and hold its session back."""
        try:
            self._spool.set_frame_aside(data)
        except OSError as failure:
            _log.warning("cannot set a frame aside", extra={"reason": failure.strerror})
        self._hold_session(session, str(error))

    def _hold_session(self, session: str, reason: str) -> None:
        self.counters.frames_refused += 1
        self._admission.hold_session(session, reason)

    def flush_due(self) -> None:
        """Flush each exchange whose interval is over; after a failure, wait `FLUSH_RETRY_S`."""
        now_s = self._steady_s()
        if self._retry_s is not None and now_s < self._retry_s:
            return
        day = self._clock_ns() // DAY_NS
        is_midnight, self._day = day != self._day, day
        is_retry, self._retry_s = self.is_blocked, None
        for exchange, since_s in list(self._since_s.items()):
            is_late = now_s - since_s >= self._settings.flush_interval_s
            if is_midnight or is_retry or is_late or self._is_full(exchange):
                self.flush(exchange)

    def flush_all(self) -> None:
        """Flush every exchange."""
        for exchange in list(self._since_s):
            self.flush(exchange)

    def flush(self, exchange: str) -> None:
        """Commit all frames of an exchange; keep those that the disk refuses."""
        since_s = self._steady_s()
        try:
            self._flush(exchange)
        finally:
            self.counters.flush_s += self._steady_s() - since_s

    def _flush(self, exchange: str) -> None:
        buffer = self._buffers[exchange]
        entries: list[TableEntry] = []
        while run := buffer.oldest():
            try:
                manifest = self._spool.commit(run)
            except BadFrame as error:
                self._drop_frame(buffer, error)
                continue
            except OSError as error:
                self._block(error)
                return
            buffer.take()
            entries += [entry for table in manifest.tables.values() for entry in table]
        self._since_s.pop(exchange, None)
        self.flush_error = None
        if not entries:
            return
        counters = self.counters
        counters.flushes += 1
        counters.last_flush_ts = self._clock_ns()
        counters.last_flush_rows = sum(entry.rows for entry in entries)
        counters.last_flush_bytes = sum(entry.bytes for entry in entries)

    def _is_full(self, exchange: str) -> bool:
        buffer = self._buffers.get(exchange)
        return buffer is not None and (
            buffer.rows >= self._settings.flush_rows or buffer.bytes >= self._settings.flush_bytes
        )

    def _drop_frame(self, buffer: Buffer, error: BadFrame) -> None:
        """Drop a frame that contradicts itself and the frames after it: the journal has them."""
        frame = error.frame
        buffer.cut_session(frame.session, frame.first)
        self._expected[frame.session] = frame.first
        self._refuse(frame.session, encode(frame), error)

    def _block(self, error: OSError) -> None:
        if str(error) != str(self.flush_error):
            _log.error("cannot flush; trying again", extra={"reason": str(error)})
        self.flush_error = error
        self._retry_s = self._steady_s() + FLUSH_RETRY_S
