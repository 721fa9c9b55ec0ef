"""Finds abandoned journals: those whose ingest is dead."""

import fcntl
import os
from pathlib import Path
from typing import Final

from booktape.store.files import PARTIAL_SUFFIX

LOCK_NAME: Final = "lock"
REMOVED_SUFFIX: Final = ".removed"


def leftovers(folder: Path) -> list[Path]:
    """Return the journals in an exchange's folder that no process owns, oldest first."""
    if not folder.is_dir():
        return []
    half = (PARTIAL_SUFFIX, REMOVED_SUFFIX)
    paths = sorted(path for path in folder.iterdir() if path.is_dir())
    return [path for path in paths if not path.name.endswith(half) and not _is_owned(path)]


def _is_owned(path: Path) -> bool:
    try:
        descriptor = os.open(path / LOCK_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
