"""Explains which room a full disk lacks: bytes, or inodes, of which each file takes one."""

import errno
import os
from pathlib import Path
from typing import Final

_LACK_OF_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_lack_of_room(error: BaseException | None) -> bool:
    """Return whether the error says that the disk, or our quota of it, is full."""
    return isinstance(error, OSError) and error.errno in _LACK_OF_ROOM


def explain_refusal(error: OSError, path: Path) -> str:
    """Return why the disk of this path refused, with the remedy if room is missing."""
    if not is_lack_of_room(error):
        return str(error)
    if lacks_inodes(path):
        return f"{error}: the disk has no inode left, and each file takes one; remove files"
    return f"{error}; make room on this disk"


def lacks_inodes(path: Path) -> bool:
    """Return whether the disk of this path can hold no more files, even with free bytes.

    File systems without a fixed number of inodes report 0 of 0.
    """
    try:
        found = os.statvfs(path if path.exists() else path.parent)
    except OSError:
        return False
    return found.f_files > 0 and found.f_favail == 0
