"""The sender moves frames from one process's journals to the pipe, as watermarks ask for them.

While the pipe is full or the writer is down, the sender waits while the journals grow. When frames
are lost on the way, it goes back to the event that the writer expects.
"""

import time
from collections.abc import Callable, Iterable
from threading import Event
from typing import Final, Protocol

from booktape.errors import BooktapeError
from shared.delivery.cursor import Cursor
from shared.delivery.journal import Journal
from shared.delivery.pipe import Watermark
from shared.errors import JournalError
from shared.process import log

SYNC_INTERVAL_S: Final = 0.2  # a power cut may take this much; the sender wakes as often
FULL_WAIT_S: Final = 0.1  # wait so long for a full pipe
FRAMES_PER_STEP_MAX: Final = 100  # of one journal, so that syncs and watermarks get their turn
STILL_S: Final = 1.0  # a writer may stand still for this long before frames count as lost
STILL_S_MAX: Final = 60.0  # the wait doubles up to this while sending again does not help
DRAIN_S: Final = 2.0  # of the last effort

_log = log.get(__name__)


End = Callable[[Journal], None]


class Pipe(Protocol):
    """Takes frames of one session, in order; may lose any of them."""

    def publish(self, data: bytes) -> bool:
        """Take a frame; return False at once if that is impossible."""
        ...

    def close(self) -> None:
        """Take nothing more; a second call is harmless."""
        ...


class Watermarks(Protocol):
    """Receives the writer's watermarks."""

    def receive(self) -> Watermark | None:
        """Return the newest watermark since the last call."""
        ...


class Sender:
    """Delivers the journals of one process, its own and adopted ones, oldest first.

    It alone syncs, reads, trims and removes them. Any thread may call `add`; all else belongs to
    the thread of `run`.
    """

    def __init__(
        self,
        journals: Iterable[Journal],
        make_pipe: Callable[[], Pipe],
        watermarks: Watermarks,
        steady_s: Callable[[], float],
    ) -> None:
        """Take charge of the journals; the sender's thread calls `make_pipe` for each."""
        self._added: list[tuple[Journal, End | None]] = [(journal, None) for journal in journals]
        self._make_pipe = make_pipe
        self._watermarks = watermarks
        self._steady_s = steady_s
        self._deliveries: list[Delivery] = []
        self._sync_due_s = steady_s()

    @property
    def journals(self) -> list[Journal]:
        """Return the journals in its charge; any thread may ask."""
        # A list is copied in one step, whichever thread changes it.
        delivered = [delivery.journal for delivery in self._deliveries.copy()]
        return delivered + [journal for journal, _ in self._added.copy()]

    @property
    def refused(self) -> list[str]:
        """Return the sessions whose journal has less than the writer; any thread may ask."""
        deliveries = self._deliveries.copy()
        return [delivery.journal.session for delivery in deliveries if delivery.is_refused]

    def count_adopted(self, *, moving: bool) -> int:
        """Return the number of adopted journals; with `moving`, of those that progress."""
        deliveries = self._deliveries.copy()
        stuck = sum(delivery.is_stuck and delivery.journal.is_adopted for delivery in deliveries)
        adopted = sum(journal.is_adopted for journal in self.journals)
        return adopted - stuck if moving else adopted

    def add(self, journal: Journal, *, end: End | None = None) -> None:
        """Take charge of one more journal; call `end` once a watermark has come."""
        self._added.append((journal, end))

    def run(self, stop: Event) -> None:
        """Deliver until told to stop, then make a last effort and close every journal.

        Raise `JournalError` if the process's own journal cannot go on. Then the journals stay
        locked until the process ends.
        """
        try:
            while not stop.is_set():
                stop.wait(self.step())
            self._drain()
        finally:
            self._hang_up()
        self.close()

    def step(self) -> float:
        """Do one round of the due work; return the seconds until the next round."""
        while self._added:
            journal, end = self._added.pop(0)
            self._deliveries.append(Delivery(journal, self._make_pipe(), end=end))
            self._deliveries.sort(key=lambda delivery: delivery.journal.session)
        is_sync_due = self._steady_s() >= self._sync_due_s
        watermark = self._watermarks.receive()
        wait_s = SYNC_INTERVAL_S
        for delivery in self._deliveries.copy():
            try:
                if is_sync_due:
                    delivery.journal.sync()
                if watermark:
                    delivery.heed(watermark, self._steady_s())
                wait_s = min(wait_s, delivery.send())
            except (BooktapeError, OSError) as error:
                self._give_up(delivery, error)
            if delivery.is_finished:
                self._deliveries.remove(delivery)
        if is_sync_due:
            self._sync_due_s = self._steady_s() + SYNC_INTERVAL_S
        return max(0.0, min(wait_s, self._sync_due_s - self._steady_s()))

    def _give_up(self, delivery: "Delivery", error: BooktapeError | OSError) -> None:
        journal = delivery.journal
        if not journal.is_adopted:
            raise JournalError(f"the journal of {journal.session} cannot go on: {error}") from error
        _log.error(
            "the disk refuses an adopted journal; leaving it alone",
            extra={"session": journal.session, "reason": str(error)},
        )
        delivery.close()
        journal.close()
        self._deliveries.remove(delivery)

    def _drain(self) -> None:
        """Sync, then send as much as the pipe takes, for a moment."""
        deadline_s = self._steady_s() + DRAIN_S
        self._sync_due_s = self._steady_s()
        wait_s = self.step()
        while any(delivery.is_behind for delivery in self._deliveries):
            if self._steady_s() >= deadline_s:
                break
            time.sleep(wait_s)
            wait_s = self.step()

    def close(self) -> None:
        """Release every journal and every pipe."""
        self._hang_up()
        for journal in self.journals:
            journal.close()
        self._deliveries.clear()
        self._added.clear()

    def _hang_up(self) -> None:
        for delivery in self._deliveries:
            delivery.close()


class Delivery:
    """Moves one journal into its pipe."""

    def __init__(self, journal: Journal, pipe: Pipe, *, end: End | None = None) -> None:
        """Send nothing before the first watermark, which names the first event to send."""
        self.journal = journal
        self._pipe = pipe
        self._end = end
        self._cursor = Cursor(journal)
        self._run: str | None = None
        self._committed = 0
        self._expected = 0
        self._still_since_s = 0.0
        self._still_s = STILL_S
        self._probes: int | None = None  # frames to send until the writer moves
        self.is_refused = False
        self.is_finished = False

    @property
    def is_behind(self) -> bool:
        """Return whether frames wait for a running writer."""
        return self._run is not None and self._cursor.number < self.journal.synced

    @property
    def is_stuck(self) -> bool:
        """Return whether the writer seems to take none of the frames."""
        return self.is_refused or self._still_s >= STILL_S_MAX

    def heed(self, watermark: Watermark, now_s: float) -> None:
        """Go to the event that the writer expects; delete the frames that it has committed.

        A watermark leaves out a session that the writer has not seen, or has forgotten.
        """
        journal = self.journal
        unlisted = (0, journal.base)
        committed, expected = watermark.sessions.get(journal.session, unlisted)
        if self._end:
            journal.skip_to(max(expected, journal.next_number))
            self._end(journal)
            self._end = None
        if expected > journal.next_number:
            self._refuse(committed, expected)
            return
        self._committed = committed
        if watermark.run != self._run:
            self._run = watermark.run
            self._cursor.seek(expected)
            self._move(expected, now_s)
        elif expected != self._expected:
            if expected > self._cursor.number:  # frames that seemed lost have arrived
                self._cursor.seek(expected)
            self._move(expected, now_s)
        elif expected >= self._cursor.number:  # nothing is outstanding
            self._still_since_s = now_s
        elif now_s - self._still_since_s >= self._still_s:
            self._go_back(now_s)
        journal.trim(committed)
        if journal.is_delivered(committed):
            self._finish()

    def _move(self, expected: int, now_s: float) -> None:
        self._expected = expected
        self._still_since_s = now_s
        self._still_s = STILL_S
        self._probes = None

    def _go_back(self, now_s: float) -> None:
        """Send again from the event that the writer expects: one frame, the rest once it moves.

        Otherwise a busy writer would get everything twice, and a writer that holds this session
        back would get everything for nothing.
        """
        _log.warning(
            "frames were lost on their way, or the writer stands still; going back",
            extra={
                "session": self.journal.session,
                "expected": self._expected,
                "sent": self._cursor.number,
                "still_s": self._still_s,
            },
        )
        self._cursor.seek(self._expected)
        self._probes = 1
        self._still_since_s = now_s
        self._still_s = min(self._still_s * 2, STILL_S_MAX)

    def _refuse(self, committed: int, expected: int) -> None:
        """Send and trim nothing: the writer has more than this journal."""
        self._run = None
        if not self.is_refused:
            _log.error(
                "the writer has more of a session than its journal; keeping the journal as it is",
                extra={
                    "session": self.journal.session,
                    "committed": committed,
                    "expected": expected,
                    "next_number": self.journal.next_number,
                },
            )
        self.is_refused = True

    def send(self) -> float:
        """Publish the frames that may go now; return the seconds until the next."""
        if self.is_finished or self._run is None:
            return SYNC_INTERVAL_S
        for _ in range(FRAMES_PER_STEP_MAX):
            data = None if self._probes == 0 else self._cursor.peek(self._committed)
            if data is None:
                return SYNC_INTERVAL_S
            if not self._pipe.publish(data):
                return FULL_WAIT_S
            self._cursor.advance()
            if self._probes:
                self._probes -= 1
        return 0.0

    def _finish(self) -> None:
        """Remove the journal: its last event is committed."""
        _log.info("a journal is delivered", extra={"session": self.journal.session})
        self.close()
        self.journal.remove()
        self.is_finished = True

    def close(self) -> None:
        """Close the pipe and the file that is read."""
        self._cursor.close()
        self._pipe.close()
