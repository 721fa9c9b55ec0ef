"""Describes the handover from engine to compiled kernel: addresses of arrays, then numbers."""

from typing import Any, Final

import numpy as np

# Places in `state`, which outlives a call, and in `marks`, which has each once for bids and asks.
KNOWN: Final = 0  # 1 while a span is open
SESSION: Final = 1  # of the last row, as are the next two
EVENT_NUMBER: Final = 2
TS_EFFECTIVE: Final = 3
NOW: Final = 4  # the instant of the rows now applied
IS_OPEN: Final = 5  # 1 until the kernel has looked at the book of that instant
WAS_KNOWN: Final = 6  # as of the last row written; -1 before the first
FEWEST: Final = 7  # levels on the shorter side of any row written
STATES: Final = 8

FIRST_WORD: Final = 0  # no bit of the side is below this word
EDGE: Final = 1  # the rank of the last level read: levels behind it change no row
IS_CHANGED: Final = 2  # 1 if the levels must be read again
COUNT: Final = 3  # of levels read
MARKS: Final = 4
FAR: Final = 1 << 62  # an edge behind everything

# Each argument is one array of int64: addresses of arrays of these kinds, in this order, then
# numbers. The kernel's named tuples name them.
PRICES: Final = ("i8", "i4", "i8", "i4", "i8")
ROWS: Final = ("i8", "i1", "i1", "i4", "f8", "i4", "i8", "i8")
BOOK: Final = ("i8", "i8", "i4", "u8", "f8", "f8", "f8")
MOMENTS: Final = ("i8",)
OUT: Final = ("i8", "i4", "i8", "i8", "f8", "f8", "f8")

Array = Any


def hand_over(kinds: tuple[str, ...], arrays: tuple[Array, ...], *numbers: int) -> Array:
    """Return one array for these arrays and numbers; it is valid while the arrays live.

    The kernel checks nothing at an address: it would read an array of another kind, or with steps
    between its values, as garbage.
    """
    for kind, array in zip(kinds, arrays, strict=True):
        assert array.dtype == kind, f"{array.dtype} in place of {kind}"
        assert array.flags.c_contiguous
        assert array.flags.aligned
    return np.array([*(address_of(array) for array in arrays), *numbers], np.int64)


def address_of(array: Array) -> int:
    """Return the address of an array's values, which is valid while the array lives."""
    address: int = array.ctypes.data
    return address
