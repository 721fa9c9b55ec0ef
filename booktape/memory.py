"""Tunes malloc so that a flush's memory returns to the system when the flush ends.

Arrow allocates and frees a megabyte for each step of a flush. If malloc got each megabyte from the
system, as it does from 128 KiB on, the pages would take a third of a flush's time.
"""

import ctypes
from typing import Final

# https://man7.org/linux/man-pages/man3/mallopt.3.html
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
ARENAS_MAX: Final = 2  # each keeps its memory; the default is eight for each core
MMAP_BYTES_MIN: Final = 4 * 1024 * 1024  # freeing a block of this size returns it to the system
TRIM_BYTES_MIN: Final = 64 * 1024 * 1024  # so does so much free memory at the end of the heap

_libc = ctypes.CDLL(None)


def bound_memory(mmap_bytes_min: int = MMAP_BYTES_MIN) -> None:
    """Ask malloc to keep little memory; C libraries other than glibc ignore this."""
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_M_ARENA_MAX, ARENAS_MAX)
        _libc.mallopt(_M_MMAP_THRESHOLD, mmap_bytes_min)
        _libc.mallopt(_M_TRIM_THRESHOLD, TRIM_BYTES_MIN)


def give_back() -> None:
    """Return free memory to the system; it takes a few milliseconds."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
