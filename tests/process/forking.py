"""Runs one piece of work by a child that may be traced, for each folder that stdin names.

All that takes time, the imports, is done once; each child is a fork. It says its pid, waits for a
byte so that a tracer can take hold of it, works, and ends; then its status is said.
"""

import ctypes
import os
import traceback
from collections.abc import Callable
from pathlib import Path

PR_SET_PTRACER, ANYBODY = 0x59616D61, -1
Work = Callable[[Path], None]


def serve(work: Work) -> None:
    """Do the work in each folder, until stdin ends."""
    while folder := _read_line():
        child = os.fork()
        if not child:
            _be_traced()
            os._exit(_work(work, Path(folder)))
        _say(child)
        _, status = os.waitpid(child, 0)
        _say(os.waitstatus_to_exitcode(status))


def _be_traced() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_long(ANYBODY), 0, 0, 0)
    os.read(0, 1)


def _work(work: Work, folder: Path) -> int:
    try:
        work(folder)
    except BaseException:  # noqa: BLE001 (a fork must not return)
        traceback.print_exc()
        return 1
    return 0


def _read_line() -> str:
    """Return the next line, and not a byte beyond it: that is for the child."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return ""
        line += byte
    return line.decode().strip()


def _say(number: int) -> None:
    os.write(1, b"%d\n" % number)
