"""Keeps a certifier small: its memory, its turn, its temporary folder."""

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
OOM_SCORE_ADJ: Final = 1000  # the first to go where memory is short
THREAD_STACK_BYTES: Final = 1024 * 1024
SPARE_BYTES: Final = 64 * 1024 * 1024
_OOM_FILE: Final = Path("/proc/self/oom_score_adj")


def bound_process() -> None:
    """Bound this process: what it takes beyond its memory fails, and everybody else goes first."""
    bound_memory()
    threading.stack_size(THREAD_STACK_BYTES)
    pa.set_memory_pool(pa.system_memory_pool())
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = MEMORY_BYTES_MAX if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES_MAX, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    os.nice(NICE)
    if _OOM_FILE.exists():
        _OOM_FILE.write_text(str(OOM_SCORE_ADJ))


@contextmanager
def hold_folder(temporary: Path, name: str) -> Iterator[Path]:
    """Hold an empty folder for one day's work; what an earlier run left in it is removed."""
    folder = temporary / name
    temporary.mkdir(parents=True, exist_ok=True)
    with (temporary / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TapeError(f"another certifier works on {name}") from None
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT} or isinstance(error, TapeError):
                raise
            raise _no_room(temporary, "no room is left there") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def check_room(folder: Path, bytes_needed: int) -> None:
    """Raise where a day does not fit: files as large as its own are written twice."""
    free = shutil.disk_usage(folder).free
    needed = 2 * bytes_needed + SPARE_BYTES
    if free < needed:
        raise _no_room(folder.parent, f"{needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} are free")


def _no_room(folder: Path, reason: str) -> TapeError:
    return TapeError(f"the day does not fit {folder}: {reason}; run the same on a bigger machine")
