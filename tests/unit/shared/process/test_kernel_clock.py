"""What the kernel says of its clock: a library says what a test wants, and the real one."""

import ctypes
from typing import Any

import pytest

from shared.process.kernel_clock import KernelClock, Timex, read_kernel_clock

# linux/timex.h
UNSYNC, NANO, PPSSIGNAL = 0x0040, 0x2000, 0x0100
OK, INSERT, ERROR = 0, 1, 5


class Library:
    """A C library of which one call is known."""

    def __init__(self, state: int, **fields: int) -> None:
        self._state = state
        self._fields = fields
        self.modes: list[int] = []

    def adjtimex(self, address: Any) -> int:
        timex = ctypes.cast(address, ctypes.POINTER(Timex)).contents
        self.modes.append(timex.modes)
        for name, value in self._fields.items():
            setattr(timex, name, value)
        return self._state


@pytest.mark.parametrize(
    ("state", "status", "is_synchronised"),
    [
        (OK, 0, True),
        (INSERT, PPSSIGNAL, True),  # a leap second is due, and the clock is right
        (ERROR, UNSYNC, False),
        (ERROR, 0, False),
        (OK, UNSYNC, False),
    ],
)
def test_it_is_synchronised_where_nothing_says_that_it_is_not(
    state: int, status: int, *, is_synchronised: bool
) -> None:
    library = Library(state, status=status, maxerror=16_000_000)
    assert KernelClock(is_synchronised, 0.0, 16.0) == read_kernel_clock(library)
    assert [0] == library.modes  # nothing is changed


@pytest.mark.parametrize(("status", "offset_s"), [(0, -0.25), (NANO, -0.00025)])
def test_the_offset_is_in_the_unit_that_the_status_names(status: int, offset_s: float) -> None:
    clock = read_kernel_clock(Library(OK, status=status, offset=-250_000, maxerror=1500))
    assert clock is not None
    assert pytest.approx(offset_s) == clock.offset_s
    assert pytest.approx(0.0015) == clock.error_s_max


def test_who_may_not_ask_knows_nothing() -> None:
    assert read_kernel_clock(Library(-1)) is None
    assert read_kernel_clock(object()) is None


def test_this_machine_answers_or_refuses() -> None:
    clock = read_kernel_clock()
    assert clock is None or clock.error_s_max >= 0
