"""The disk of the state folder, looked at once a second: the feeds pause where it is full."""

from collections.abc import Callable
from threading import Event
from typing import Final

from shared.event import Record, feed_event
from shared.process import log

ROOM_SHARE: Final = 1.05  # of the minimum must be free again, lest feeds open and close around it

_log = log.get(__name__)


class DiskWatch:
    """Records when the disk is full, and has the feeds pause."""

    def __init__(
        self,
        disk_free: Callable[[], int],
        disk_free_min_bytes: int,
        *,
        record: Record,
        pause: Event,
        clock_ns: Callable[[], int],
    ) -> None:
        """Watch the bytes that are free; `pause` is set for as long as they are too few."""
        self.free_bytes = disk_free()
        self._disk_free = disk_free
        self._disk_free_min_bytes = disk_free_min_bytes
        self._record = record
        self._pause = pause
        self._clock_ns = clock_ns

    def look(self) -> None:
        """Take note of what changed since the last look."""
        self.free_bytes = self._disk_free()
        min_bytes = self._disk_free_min_bytes
        facts = {"free_bytes": self.free_bytes, "min_bytes": min_bytes}
        if self.free_bytes < min_bytes and not self._pause.is_set():
            self._record(self._clock_ns(), None, feed_event("disk_full", **facts))
            _log.error("the disk is full: nothing is recorded until there is room", extra=facts)
            self._pause.set()
        elif self.free_bytes >= min_bytes * ROOM_SHARE and self._pause.is_set():
            _log.info("there is room again: recording goes on", extra=facts)
            self._pause.clear()
