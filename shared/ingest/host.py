"""The clock and the disk of the machine, looked at once a second."""

from collections.abc import Callable
from threading import Event
from typing import Final

from shared.event import Kind, Record, feed_event
from shared.process import log

CLOCK_STEP_NS: Final = 500_000_000  # between two looks; slewing is a thousand times slower
ROOM_SHARE: Final = 1.05  # of the minimum must be free again, lest feeds open and close around it

_log = log.get(__name__)


class Host:
    """Records when the clock was set, and when the disk is full."""

    def __init__(
        self,
        disk_free: Callable[[], int],
        disk_free_min_bytes: int,
        *,
        record: Record,
        pause: Event,
        clock_ns: Callable[[], int],
        steady_ns: Callable[[], int],
    ) -> None:
        """Watch the bytes that are free; `pause` is set for as long as they are too few."""
        self.free = disk_free()
        self._disk_free = disk_free
        self._disk_free_min_bytes = disk_free_min_bytes
        self._record = record
        self._pause = pause
        self._clock_ns = clock_ns
        self._steady_ns = steady_ns
        self._ahead_ns = clock_ns() - steady_ns()

    def look(self) -> None:
        """Take note of what changed since the last look."""
        self._look_at_clock()
        self._look_at_disk()

    def _look_at_clock(self) -> None:
        ahead_ns = self._clock_ns() - self._steady_ns()
        step_ns = ahead_ns - self._ahead_ns
        self._ahead_ns = ahead_ns
        if abs(step_ns) > CLOCK_STEP_NS:
            _log.warning("the clock was set", extra={"step_s": step_ns / 1e9})
            self._row("clock_step", step_s=step_ns / 1e9)

    def _look_at_disk(self) -> None:
        self.free = self._disk_free()
        min_bytes = self._disk_free_min_bytes
        facts = {"free_bytes": self.free, "min_bytes": min_bytes}
        if self.free < min_bytes and not self._pause.is_set():
            self._row("disk_full", **facts)
            _log.error("the disk is full: nothing is recorded until there is room", extra=facts)
            self._pause.set()
        elif self.free >= min_bytes * ROOM_SHARE and self._pause.is_set():
            _log.info("there is room again: recording goes on", extra=facts)
            self._pause.clear()

    def _row(self, kind: Kind, **detail: float) -> None:
        self._record(self._clock_ns(), None, feed_event(kind, **detail))
