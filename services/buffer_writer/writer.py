"""What becomes of each frame: taken, trimmed, refused or held back; and when to flush.

Of every session the writer wants the events in order, each once. `expected` is the next number it
wants, `committed` the first that is not safe yet; what lies between is in a buffer. A frame that
is refused is dropped and not lost: its sender goes back to `expected`.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from booktape.errors import TapeError
from booktape.keys import exchange_of
from booktape.manifest import TableEntry
from services.buffer_writer.buffer import Buffer
from services.buffer_writer.events import BadFrame
from services.buffer_writer.incoming import cut, ends_session, guess_session
from services.buffer_writer.spool import Spool
from shared.delivery.frame import DAY_NS, Frame, decode, encode
from shared.delivery.frame_builder import FrameBuilder
from shared.delivery.pipe import Watermark
from shared.errors import FrameError, UnknownFrameVersion
from shared.event import FeedEvent
from shared.process import log
from shared.process.settings import WriterSettings
from shared.process.stats import Stats

SESSIONS_MAX: Final = 1000
FLUSH_RETRY_S: Final = 5.0
FORGET_INTERVAL_S: Final = 10.0
_log = log.get(__name__)


class Writer:
    """A buffer for each exchange, and how far each session is."""

    def __init__(
        self,
        spool: Spool,
        settings: WriterSettings,
        stats: Stats,
        *,
        run_id: str,
        find_next: Callable[[str], int | None],
        clock_ns: Callable[[], int],
        monotonic_s: Callable[[], float],
    ) -> None:
        """Go on from what a recovered spool knows; `find_next` asks the ledger for a session."""
        self.flushes = 0
        self.flush_error: OSError | None = None  # what stands in the way of a flush now
        self._spool = spool
        self._settings = settings
        self._stats = stats
        self._run_id = run_id
        self._find_next = find_next
        self._clock_ns = clock_ns
        self._monotonic_s = monotonic_s
        self._expected = {name: known.next for name, known in spool.sessions().items()}
        self._buffers: dict[str, Buffer] = {}
        self._since_s: dict[str, float] = {}  # when each buffer began to fill
        self._held: dict[str, str] = {}  # refused until the next start, and why
        self._waiting: dict[str, tuple[int, str]] = {}  # not begun yet: base, and why
        self._day = clock_ns() // DAY_NS
        self._retry_s: float | None = None
        self._forget_s = monotonic_s()

    @property
    def is_blocked(self) -> bool:
        """Say whether nothing may be received, as the disk refuses what is to be flushed.

        The pipe fills up then, and the journals hold the rest.
        """
        return self._retry_s is not None

    @property
    def held(self) -> dict[str, str]:
        """Return each session of which nothing is taken, and why."""
        return self._held | {session: why for session, (_, why) in self._waiting.items()}

    @property
    def rows(self) -> int:
        """Return how many rows are buffered."""
        return sum(buffer.rows for buffer in self._buffers.values())

    def watermark(self) -> Watermark:
        """Return how far each session is."""
        known = self._spool.sessions()
        return Watermark(
            self._run_id,
            {session: (known[session].next, number) for session, number in self._expected.items()},
        )

    # --- receiving ---

    def receive(self, data: bytes) -> None:
        """Take what is the next of its session, and flush its exchange where a bound is reached."""
        assert not self.is_blocked
        self._stats.count("frames")
        try:
            frame = decode(data)
            exchange = exchange_of(frame.session)
        except UnknownFrameVersion as error:
            self._hold(guess_session(data), str(error))  # the journal keeps it for that release
            return
        except (FrameError, TapeError) as error:
            self._refuse(guess_session(data), data, error)
            return
        if frame.session in self._held or not self._is_begun(frame):
            self._stats.count("frames_refused")
            return
        try:
            self._take(frame, data)
        except FrameError as error:
            self._refuse(frame.session, data, error)
        if self._is_full(exchange):
            self.flush(exchange)

    def _take(self, frame: Frame, data: bytes) -> None:
        """Append what is not there yet; raise FrameError where the frame contradicts itself."""
        session = frame.session
        if frame.base > self._expected[session]:
            self._append_hole(session, frame.base)
        expected = self._expected[session]
        if frame.last < expected or frame.first > expected:
            self._stats.count("frames_doubled" if frame.last < expected else "frames_ahead")
            return
        is_end = ends_session(frame, data)
        if frame.first < expected:
            frame = cut(frame, expected)
        self._append(frame, is_end=is_end)

    def _append(self, frame: Frame, *, resumes_at: int | None = None, is_end: bool = False) -> None:
        exchange = exchange_of(frame.session)
        buffer = self._buffers.setdefault(exchange, Buffer())
        if buffer.is_empty:
            self._since_s[exchange] = self._monotonic_s()
        buffer.append(frame, resumes_at=resumes_at, ends_session=is_end)
        self._expected[frame.session] = frame.last + 1 if resumes_at is None else resumes_at
        self._stats.count("rows", frame.rows)

    def _append_hole(self, session: str, present: int) -> None:
        """Write an event under the first of the numbers that the journal has lost."""
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

    # --- sessions ---

    def tend_sessions(self) -> None:
        """Begin the sessions that had to wait, and forget those that are done with."""
        for session, (base, _) in list(self._waiting.items()):
            self._begin(session, base)
        now_s = self._monotonic_s()
        if now_s - self._forget_s >= FORGET_INTERVAL_S:
            self._forget_s = now_s
            for session in self._spool.forget_done():
                _log.info("a session is stored whole", extra={"session": session})
                del self._expected[session]
                self._held.pop(session, None)

    def _is_begun(self, frame: Frame) -> bool:
        session = frame.session
        return session in self._expected or self._begin(session, frame.base)

    def _begin(self, session: str, base: int) -> bool:
        """Say whether a session that nothing is known of can begin now."""
        self._waiting.pop(session, None)
        if not self._spool.has_journal(session):
            # A straggler: its ingest removed the journal, so that all of it was committed.
            return False
        why = self._try_to_begin(session, base)
        if why is None:
            return True
        if len(self._waiting) < SESSIONS_MAX:
            self._waiting[session] = base, why
        return False

    def _try_to_begin(self, session: str, base: int) -> str | None:
        """Begin a session; return why that has to wait, or None."""
        if len(self._expected) >= SESSIONS_MAX:
            return f"there are {SESSIONS_MAX} sessions already"
        number: int | None = 0
        if base or not self._spool.is_new(session):
            number = self._find_next(session)
        if number is None:
            return "its file is lost, and the store has not said yet what it has"
        try:
            self._spool.begin(session, number)
        except OSError as error:
            return f"its file cannot be written: {error.strerror}"
        self._expected[session] = number
        _log.info("a session begins", extra={"session": session, "next": number})
        return None

    def _refuse(self, session: str, data: bytes, error: Exception) -> None:
        """Set a frame aside that nobody can use, and take nothing that follows it."""
        try:
            self._spool.set_frame_aside(data)
        except OSError as failure:
            _log.warning("cannot set a frame aside", extra={"reason": failure.strerror})
        self._hold(session, str(error))

    def _hold(self, session: str, why: str) -> None:
        self._stats.count("frames_refused")
        if session not in self._held and len(self._held) < SESSIONS_MAX:
            _log.error("a session is held back", extra={"session": session, "reason": why})
            self._held[session] = why

    # --- flushing ---

    def flush_due(self) -> None:
        """Flush each exchange whose time has come; after a failure, again after a while."""
        now_s = self._monotonic_s()
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
        """Commit all that an exchange has; what the disk refuses stays."""
        buffer = self._buffers[exchange]
        entries: list[TableEntry] = []
        while run := buffer.oldest():
            try:
                manifest = self._spool.commit(run)
            except BadFrame as error:
                self._cut(buffer, error)
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
        self.flushes += 1
        self._stats.count("flushes")
        self._stats.gauge("last_flush_ts", self._clock_ns())
        self._stats.gauge("last_flush_rows", sum(entry.rows for entry in entries))
        self._stats.gauge("last_flush_bytes", sum(entry.bytes for entry in entries))

    def _is_full(self, exchange: str) -> bool:
        buffer = self._buffers.get(exchange)
        return buffer is not None and (
            buffer.rows >= self._settings.flush_rows or buffer.bytes >= self._settings.flush_bytes
        )

    def _cut(self, buffer: Buffer, error: BadFrame) -> None:
        """Drop a frame that contradicts itself and all that follows it: the journal has it."""
        frame = error.frame
        buffer.cut(frame.session, frame.first)
        self._expected[frame.session] = frame.first
        self._refuse(frame.session, encode(frame), error)

    def _block(self, error: OSError) -> None:
        if str(error) != str(self.flush_error):
            _log.error("cannot flush; it is tried again", extra={"reason": str(error)})
        self.flush_error = error
        self._retry_s = self._monotonic_s() + FLUSH_RETRY_S
