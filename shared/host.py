"""The clock and the disk of the machine, looked at once a second."""

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final

import msgspec

from shared import log
from shared.books import Record
from shared.event import FeedEvent, Kind

CLOCK_STEP_NS: Final = 500_000_000  # between two looks; slewing is a thousand times slower

_log = log.get(__name__)


class Host:
    """Records when the clock was set, and when the disk is full."""

    def __init__(
        self,
        disk: Path,
        disk_free_min_bytes: int,
        *,
        record: Record,
        pause: Event,
        clock_ns: Callable[[], int],
        steady_ns: Callable[[], int],
    ) -> None:
        """Watch the disk on which `disk` lies; `pause` is set for as long as it is full."""
        self.free = shutil.disk_usage(disk).free
        self._disk = disk
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
        self.free = shutil.disk_usage(self._disk).free
        is_full = self.free < self._disk_free_min_bytes
        facts = {"free_bytes": self.free, "min_bytes": self._disk_free_min_bytes}
        if is_full and not self._pause.is_set():
            self._row("disk_full", **facts)
            _log.error("the disk is full: nothing is recorded until there is room", extra=facts)
            self._pause.set()
        elif not is_full and self._pause.is_set():
            _log.info("there is room again: recording goes on", extra=facts)
            self._pause.clear()

    def _row(self, kind: Kind, **detail: float) -> None:
        text = msgspec.json.encode(detail).decode()
        self._record(self._clock_ns(), None, FeedEvent(kind, detail=text))
