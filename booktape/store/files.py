"""Files and folders that survive a power cut."""

import os
from pathlib import Path

PARTIAL_SUFFIX = ".partial"


def sync_folder(path: Path) -> None:
    """Make what was created, renamed or removed in the folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Create the folder and those above it; all of them survive a power cut when this returns.

    One that is there may have been made by a process that was killed before it synced that.
    """
    path.mkdir(parents=True, exist_ok=True)
    device = path.stat().st_dev
    for folder in path.absolute().parents:
        if folder.stat().st_dev != device:  # mounted there by somebody else
            return
        try:
            sync_folder(folder)
        except PermissionError:  # nor is it ours what lies in a folder that we may not read
            return
