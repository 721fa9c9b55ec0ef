"""Sets a certifier's bounds: its memory, its priority, its temporary folder."""

import errno
import fcntl
import os
import resource
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa

from booktape.errors import TapeError
from booktape.memory import bound_memory

MEMORY_BYTES_MAX: Final = 400 * 1024 * 1024
NICE: Final = 19
OOM_SCORE_ADJ: Final = 1000  # if memory is short, the system ends this process first
# Smaller pieces come from the heap: with own pages for each column, these took a third of the time.
MMAP_BYTES_MIN: Final = 4 * 1024 * 1024
THREAD_STACK_BYTES: Final = 1024 * 1024
SPARE_BYTES: Final = 64 * 1024 * 1024
_LOCK: Final = ".lock"
_OOM_FILE: Final = Path("/proc/self/oom_score_adj")


def bound_process() -> None:
    """Bound this process: memory beyond its bound fails, and every other process goes first."""
    bound_memory(MMAP_BYTES_MIN)
    threading.stack_size(THREAD_STACK_BYTES)
    pa.set_memory_pool(pa.system_memory_pool())
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = MEMORY_BYTES_MAX if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES_MAX, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    # Each run of a merge has two open files: 1,350 for a day of 505 million levels.
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    os.nice(NICE)
    if _OOM_FILE.exists():
        _OOM_FILE.write_text(str(OOM_SCORE_ADJ))


@contextmanager
def hold_folder(temporary: Path, name: str) -> Iterator[Path]:
    """Hold an empty folder for one day's work; first remove the remains of earlier runs."""
    try:
        temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        text = f"cannot work in {temporary}: {error.strerror}; name another folder: --temp DIR"
        raise TapeError(text) from error
    clear_left(temporary)
    folder = temporary / name
    lock = _try_lock(folder)
    if lock is None:
        raise TapeError(f"another certifier works on {name}")
    try:
        folder.mkdir()
        yield folder
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT} or isinstance(error, TapeError):
            raise
        raise _no_room(temporary, "the disk is full") from error
    finally:
        _remove(folder, lock)


def clear_left(temporary: Path) -> None:
    """Remove the remains of killed certifiers from the folder."""
    for path in temporary.glob(f"*{_LOCK}"):
        folder = path.with_name(path.name.removesuffix(_LOCK))
        lock = _try_lock(folder)
        if lock is not None:
            _remove(folder, lock)


def _try_lock(folder: Path) -> int | None:
    """Return the lock of a folder; `None` if another process has it."""
    path = folder.with_name(folder.name + _LOCK)
    while True:
        lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same(lock, path):
                return lock
        except BlockingIOError:
            os.close(lock)
            return None
        os.close(lock)  # its holder removed it meanwhile


def _is_same(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def _remove(folder: Path, lock: int) -> None:
    """Remove the folder, and its lock last."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_name(folder.name + _LOCK).unlink(missing_ok=True)
    os.close(lock)


def check_room(folder: Path, bytes_needed: int) -> None:
    """Raise `TapeError` if a day does not fit: the work takes its size twice."""
    free = shutil.disk_usage(folder).free
    needed = 2 * bytes_needed + SPARE_BYTES
    if free < needed:
        raise _no_room(
            folder.parent, f"it needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free"
        )


def _no_room(folder: Path, reason: str) -> TapeError:
    return TapeError(f"the day does not fit in {folder}: {reason}; run this on a bigger machine")
