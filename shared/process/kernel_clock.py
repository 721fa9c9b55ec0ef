"""Asks the kernel about its clock: whether a daemon synchronises it, and how closely.

The call is adjtimex(2), which needs no privilege to read. If a container forbids the call, or the
system lacks it, the answer is unknown.
"""

import ctypes
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

# linux/timex.h
_UNSYNCHRONISED: Final = 0x0040
_IN_NANOSECONDS: Final = 0x2000
_TIME_ERROR: Final = 5
_US, _NS = 1e-6, 1e-9
_WORDS_BEHIND: Final = 32  # more than any system's struct has after the fields that we read


class KernelClock(Struct, frozen=True):
    """The state of the clock, as its daemon has reported it to the kernel.

    `offset_s` is the rest still to correct; `error_s_max` bounds the clock's error.
    """

    is_synchronised: bool
    offset_s: float
    error_s_max: float


class Timex(ctypes.Structure):
    """The beginning of the kernel's `struct timex`."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("behind", ctypes.c_long * _WORDS_BEHIND),
    ]


def read_kernel_clock(library: Any = None) -> KernelClock | None:
    """Return the state of the clock, or `None` if the kernel reports none."""
    try:
        adjtimex: Callable[..., int] = (library or ctypes.CDLL(None, use_errno=True)).adjtimex
    except AttributeError:
        return None
    timex = Timex()  # its modes are 0: change nothing
    state = adjtimex(ctypes.byref(timex))
    if state < 0:
        return None
    return KernelClock(
        is_synchronised=state != _TIME_ERROR and not timex.status & _UNSYNCHRONISED,
        offset_s=timex.offset * (_NS if timex.status & _IN_NANOSECONDS else _US),
        error_s_max=timex.maxerror * _US,
    )
