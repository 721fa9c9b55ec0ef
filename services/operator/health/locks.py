"""Finds which locks are held, and by which process."""

import os
from pathlib import Path

Locked = set[tuple[int, int]] | None


def find_locked(table: Path = Path("/proc/locks")) -> set[tuple[int, int]] | None:
    """Return inode and holder of each locked file, or `None` if the system lists no locks.

    Trying each lock would be simpler, but could refuse a lock to a process that starts just then.
    """
    try:
        rows = table.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    # 1: FLOCK  ADVISORY  WRITE 10546 fe:00:2148527 0 EOF
    fields = (row.split() for row in rows if " FLOCK " in row and "->" not in row)
    return {(int(field[5].rpartition(":")[2]), int(field[4])) for field in fields}


def find_holder(path: Path, locked: Locked) -> int | None:
    """Return the pid of the process that holds a lock; the lock's file names it."""
    try:
        pid = int(path.read_text(encoding="ascii"))
        inode = path.stat().st_ino
    except (OSError, ValueError):
        return None
    if locked is not None:
        return pid if (inode, pid) in locked else None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # another user's, so it lives
        pass
    return pid
