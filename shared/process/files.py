"""Replaces files whole; locks them for one process."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from booktape.store.files import PARTIAL_SUFFIX, sync_folder
from shared.errors import LockHeld


def write_atomic(path: Path, data: bytes, *, fsync: bool = True) -> None:
    """Replace `path` by `data`, whole or not at all.

    With `fsync`, file and folder are on disk when this returns; without, a power cut may bring the
    old file back. Only one process at a time may write a path.
    """
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    try:
        with partial.open("wb") as file:
            file.write(data)
            if fsync:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        # On a full disk a half-written file would take what room is left.
        partial.unlink(missing_ok=True)
        raise
    if fsync:
        sync_folder(path.parent)


class Lock:
    """Locks a file for one process; the system unlocks it when that process dies.

    The file names the holder's pid and stays: removing it would let two processes hold the lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Return whether we hold the lock."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take the lock, or raise LockHeld, which names the holder."""
        assert self._descriptor is None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            os.close(descriptor)
            # The file is empty between the holder's flock and its pwrite.
            name = f"process {holder}" if holder else "another process"
            raise LockHeld(self.path.name, holder=name) from None
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock; harmless if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
