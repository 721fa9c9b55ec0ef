"""Keeps a reserve: room on the disk for one flush.

The writer needs room to make room: a flush lets the ingests trim their journals; an upload writes
a small file before it deletes its segments. On a disk that others filled, neither could begin.
"""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from shared.process import log
from shared.process.room import is_lack_of_room

_Result = TypeVar("_Result")
_log = log.get(__name__)


def is_full(error: OSError) -> bool:
    """Return whether the error means that the disk is full."""
    return is_lack_of_room(error)


class Reserve:
    """A file that takes room until a flush needs it."""

    def __init__(
        self, path: Path, size: int, *, floor_bytes: int, disk_free: Callable[[], int]
    ) -> None:
        """Keep `size` bytes; with less than `floor_bytes` free a flush may use only these."""
        self._path = path
        self._size = size
        self._floor_bytes = floor_bytes
        self._disk_free = disk_free

    def hold_room(self) -> None:
        """Take the room, if that leaves more than the floor."""
        try:
            if self._is_whole() or self._disk_free() - self._size < self._floor_bytes:
                return
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
        except OSError as error:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            _log.warning(
                "no room for the reserve", extra={"path": str(self._path), "reason": error.strerror}
            )

    def admit(self) -> None:
        """Let one flush begin; below the floor give up the reserve, else raise OSError."""
        if self._disk_free() < self._floor_bytes and not self._give_up():
            needs = f"less than {self._floor_bytes} bytes of disk are free; make room"
            raise OSError(errno.ENOSPC, needs)

    def lend(self, write: Callable[[], _Result]) -> _Result:
        """Call `write` and return its result; on a full disk give up the reserve, then try again.

        `write` must leave no file behind when it raises.
        """
        try:
            return write()
        except OSError as error:
            if not is_full(error) or not self._give_up():
                raise
            return write()

    def _is_whole(self) -> bool:
        return self._path.exists() and self._path.stat().st_size >= self._size

    def _give_up(self) -> bool:
        """Remove the reserve; return whether it existed."""
        if not self._path.exists():
            return False
        _log.error(
            "the disk is full; the writer releases its reserve", extra={"path": str(self._path)}
        )
        self._path.unlink()
        return True
