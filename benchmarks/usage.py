"""Measures the usage of CPU time and memory by processes, as the system counts them."""

import os
from pathlib import Path

MIB = 1 << 20
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 11, 12  # of /proc/<pid>/stat, counted behind the name
_PARENT = 1


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of all threads of a process so far, user and system."""
    fields = _stat(pid)
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_PER_S


def pss_bytes(pid: int) -> int:
    """Return the memory of a process, shared pages in proportion."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss")


def peak_bytes(pid: int) -> int:
    """Return the peak memory of a process."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmHWM")


def count_wakes(pid: int) -> int:
    """Return the number of wake-ups so far of the living threads of a process."""
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    return sum(_number(path, "voluntary_ctxt_switches") for path in tasks)


def descendants(pid: int) -> list[int]:
    """Return a process and all its living descendants."""
    parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
    found = [pid]
    for one in found:  # it grows while it is walked
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _parent(path: Path) -> int | None:
    try:
        return int(_stat(int(path.name))[_PARENT])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _stat(pid: int) -> list[str]:
    """Return the fields behind the name, which may hold blanks and brackets."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    return text.rpartition(")")[2].split()


def _kilobytes(path: Path, name: str) -> int:
    return _number(path, name) * 1024


def _number(path: Path, name: str) -> int:
    lines = path.read_text(encoding="ascii").splitlines()
    fields = next(line for line in lines if line.startswith(f"{name}:")).split()
    return int(fields[1])
