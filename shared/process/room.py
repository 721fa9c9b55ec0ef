"""Tells what a disk lacks that takes no more: bytes, or inodes, of which each file takes one."""

import errno
import os
from pathlib import Path
from typing import Final

_LACK_OF_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_lack_of_room(error: BaseException | None) -> bool:
    """Say whether the disk is full, or our share of it."""
    return isinstance(error, OSError) and error.errno in _LACK_OF_ROOM


def explain_refusal(error: OSError, path: Path) -> str:
    """Return why the disk of this path refused, and what makes room on it where that helps."""
    if not is_lack_of_room(error):
        return str(error)
    if lacks_inodes(path):
        return f"{error}: no inode is left, of which each file takes one; remove files"
    return f"{error}; make room on this disk"


def lacks_inodes(path: Path) -> bool:
    """Say whether no file can be made on the disk of this path, however many bytes are free.

    Some file systems have no fixed number of them, and say 0 of 0.
    """
    try:
        found = os.statvfs(path if path.exists() else path.parent)
    except OSError:
        return False
    return found.f_files > 0 and found.f_favail == 0
