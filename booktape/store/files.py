"""Makes files and folders survive a power cut."""

import os
from pathlib import Path

PARTIAL_SUFFIX = ".partial"


def sync_folder(path: Path) -> None:
    """Make all new, renamed and removed files of the folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Create the folder and its parents; when this returns, all of them survive a power cut.

    A killed process may have made a folder without a sync, so this syncs existing ones, too.
    """
    path.mkdir(parents=True, exist_ok=True)
    device = path.stat().st_dev
    for folder in path.absolute().parents:
        if folder.stat().st_dev != device:  # another mount
            return
        try:
            sync_folder(folder)
        except PermissionError:  # a folder that we may not read is not ours either
            return
