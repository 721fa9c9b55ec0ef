"""The clock and the disk of the machine, looked at once a second."""

from collections.abc import Callable
from typing import Final

from shared.event import FeedEvent, Row, feed_event
from shared.process import log

CLOCK_STEP_NS: Final = 500_000_000  # between two looks; slewing is a thousand times slower
ROOM_SHARE: Final = 1.05  # of the minimum must be free again, lest feeds open and close around it

_log = log.get(__name__)


class Host:
    """Sees when the clock was set, and when the disk is full; the main thread owns it."""

    def __init__(
        self,
        disk_free: Callable[[], int],
        disk_free_min_bytes: int,
        *,
        clock_ns: Callable[[], int],
        steady_ns: Callable[[], int],
    ) -> None:
        """Watch the bytes that are free: `is_full` for as long as they are too few."""
        self.free = disk_free()
        self.is_full = False
        self._disk_free = disk_free
        self._disk_free_min_bytes = disk_free_min_bytes
        self._clock_ns = clock_ns
        self._steady_ns = steady_ns
        self._ahead_ns = clock_ns() - steady_ns()

    def look(self) -> list[Row]:
        """Return the rows of what changed since the last look."""
        ts = self._clock_ns()
        events = [self._look_at_clock(), self._look_at_disk()]
        return [(ts, None, event) for event in events if event is not None]

    def _look_at_clock(self) -> FeedEvent | None:
        ahead_ns = self._clock_ns() - self._steady_ns()
        step_ns = ahead_ns - self._ahead_ns
        self._ahead_ns = ahead_ns
        if abs(step_ns) <= CLOCK_STEP_NS:
            return None
        _log.warning("the clock was set", extra={"step_s": step_ns / 1e9})
        return feed_event("clock_step", step_s=step_ns / 1e9)

    def _look_at_disk(self) -> FeedEvent | None:
        self.free = self._disk_free()
        min_bytes = self._disk_free_min_bytes
        facts = {"free_bytes": self.free, "min_bytes": min_bytes}
        if self.free < min_bytes and not self.is_full:
            _log.error("the disk is full: nothing is recorded until there is room", extra=facts)
            self.is_full = True
            return feed_event("disk_full", **facts)
        if self.free >= min_bytes * ROOM_SHARE and self.is_full:
            _log.info("there is room again: recording goes on", extra=facts)
            self.is_full = False
        return None
