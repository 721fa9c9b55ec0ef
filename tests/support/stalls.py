"""Stalls a disk for whoever reads one file: the kernel holds them in `open` and `read`."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

STALLED_S_MAX: Final = 60.0


@contextmanager
def stall(path: Path) -> Iterator[None]:
    """Put a pipe in the place of a file that is not there; enter once somebody hangs in it.

    Whoever reads it waits as for a disk that does not answer. At the end they get an empty file.
    """
    os.mkfifo(path)
    try:
        held = _wait_for_reader(path)
    finally:
        path.unlink()
    try:
        yield
    finally:
        os.close(held)


def _wait_for_reader(path: Path) -> int:
    """Return the other end, which holds the reader until somebody closes it."""
    end_s = time.monotonic() + STALLED_S_MAX
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # ENXIO: nobody reads it yet
            assert time.monotonic() < end_s, "nobody ever read it"
            time.sleep(0.01)
