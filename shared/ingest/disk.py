"""Watches the disk of the state folder once a second: the feeds pause while it is full."""

from collections.abc import Callable
from typing import Final

from shared.event import FeedEvent, feed_event
from shared.process import log

ROOM_SHARE: Final = 1.05  # of the minimum must be free again, lest feeds open and close by turns

_log = log.get(__name__)


class DiskWatch:
    """Notices when the disk is full; the main thread owns it."""

    def __init__(
        self,
        disk_free: Callable[[], int],
        disk_free_min_bytes: int,
        *,
        find_live: Callable[[], list[str]],
    ) -> None:
        """Watch the free bytes; `is_full` is set while they are too few.

        `find_live` returns the symbols with live books, which a full disk ends.
        """
        self.free_bytes = disk_free()
        self.is_full = False
        self._disk_free = disk_free
        self._disk_free_min_bytes = disk_free_min_bytes
        self._find_live = find_live

    def look(self) -> FeedEvent | None:
        """Return the row to record if the disk became full since the last look."""
        self.free_bytes = self._disk_free()
        min_bytes = self._disk_free_min_bytes
        facts = {"free_bytes": self.free_bytes, "min_bytes": min_bytes}
        if self.free_bytes < min_bytes and not self.is_full:
            _log.error("the disk is full: the feeds pause until it has room", extra=facts)
            self.is_full = True
            return feed_event("disk_full", **facts, symbols=self._find_live())
        if self.free_bytes >= min_bytes * ROOM_SHARE and self.is_full:
            _log.info("the disk has room again: the feeds go on", extra=facts)
            self.is_full = False
        return None
