"""Measures each process's usage of CPU and memory, as the system counts it."""

import os
from pathlib import Path
from typing import Final

from msgspec import Struct

PROCESSES: Final = Path("/proc")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS: Final = os.sysconf("SC_CLK_TCK")  # in a second
# https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, counted from the state on
_USER, _SYSTEM, _RESIDENT = 11, 12, 21


class Usage(Struct, frozen=True):
    """One process's CPU since its start, its memory with all shared pages, or with its share."""

    cpu_s: float = 0.0
    resident_bytes: int = 0
    proportional_bytes: int = 0


def measure(pid: int | None, processes: Path = PROCESSES) -> Usage:
    """Return a process's usage: all 0 if it is gone, no share of memory if it is another user's."""
    if pid is None:
        return Usage()
    folder = processes / str(pid)
    try:
        # 4711 (name) S 1 ...
        fields = (folder / "stat").read_text(encoding="ascii", errors="replace")
        values = fields.rpartition(")")[2].split()
        return Usage(
            cpu_s=(int(values[_USER]) + int(values[_SYSTEM])) / _TICKS,
            resident_bytes=int(values[_RESIDENT]) * _PAGE_BYTES,
            proportional_bytes=_proportional(folder),
        )
    except OSError:
        return Usage()


def _proportional(folder: Path) -> int:
    try:
        text = (folder / "smaps_rollup").read_text(encoding="ascii", errors="replace")
    except OSError:  # another user's process shows only `stat`
        return 0
    kib = next((line.split()[1] for line in text.splitlines() if line.startswith("Pss:")), "0")
    return int(kib) * 1024
