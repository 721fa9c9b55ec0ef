"""Reads the pid file that a supervisord left on the disk, beside its configuration."""

from pathlib import Path

from shared.process.state import StateFolder


def find_deaf(path: Path, processes: Path = Path("/proc")) -> int | None:
    """Return the pid of a live supervisord that a pid file names; call it if none answers."""
    try:
        pid = int(path.read_text(encoding="ascii"))
        command = (processes / str(pid) / "cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if b"supervisord" in command else None


def is_lost(path: Path) -> bool:
    """Return whether a pid file names a dead process."""
    try:
        return not Path(f"/proc/{int(path.read_text(encoding='ascii'))}").exists()
    except (OSError, ValueError):
        return False


def find_conf(state: StateFolder) -> str | None:
    """Return the copy that `booktape up` made for this state, else the file beside it."""
    made = state.supervisor_conf
    places = [made, state.path.parent / made.name]
    return next((str(place) for place in places if place.is_file()), None)
