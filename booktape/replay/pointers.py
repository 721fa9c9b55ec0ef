"""Makes pointers of the addresses that the kernel gets, inside of compiled code."""

from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numba import njit, types
from numba.extending import intrinsic

# Functions for compiled code alone are compiled into their callers: no name is left to look up, and
# no status of a call that cannot fail.
inline: Final = njit(forceinline=True, error_model="numpy")


class PricePointers(NamedTuple):
    """The bits of prices that need numbers."""

    bits: Any
    ids: Any  # of each, as written
    table: Any
    slots: Any  # -1 for a free slot
    distinct: Any
    count: Any
    slots_count: Any
    distinct_max: Any


class RowPointers(NamedTuple):
    """Rows of a stream, whose prices are ids."""

    ts: Any
    action: Any
    side: Any
    ids: Any
    size: Any
    session: Any
    event_number: Any
    ts_effective: Any
    count: Any


class MomentPointers(NamedTuple):
    """The moments to read the book at."""

    ts: Any
    count: Any


class BookPointers(NamedTuple):
    """Both sides' levels."""

    state: Any
    marks: Any  # each of bids, then of asks
    ranks: Any  # of each id among bids, then among asks
    bitmap: Any
    sizes: Any
    prices: Any
    levels: Any  # last read: bid prices, bid sizes, ask prices, ask sizes
    distinct: Any
    words: Any
    depth: Any


class OutPointers(NamedTuple):
    """The columns of the output, with room for `room` rows."""

    ts: Any
    session: Any
    event_number: Any
    age_us: Any
    levels: Any  # one column after the other
    sums: Any
    bands: Any
    room: Any
    bands_count: Any


def _make_pointer(kind: str) -> Any:
    """Return a function of compiled code that makes a typed pointer of an address."""
    pointer = types.CPointer(numba.from_dtype(np.dtype(kind)))  # type: ignore[no-untyped-call]

    def make(_typing: Any, _address: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(pointer))

        return pointer(types.int64), generate

    return intrinsic(make)


_i1, _i4, _i8, _u8, _f8 = (_make_pointer(kind) for kind in ("i1", "i4", "i8", "u8", "f8"))


@inline
def take_prices(at: Any) -> Any:  # pragma: no cover (compiled)
    """Return the pointers of `handover.PRICES`."""
    return PricePointers(
        _i8(at[0]), _i4(at[1]), _i8(at[2]), _i4(at[3]), _i8(at[4]), at[5], at[6], at[7]
    )


@inline
def take_rows(at: Any) -> Any:  # pragma: no cover (compiled)
    """Return the pointers of `handover.ROWS`."""
    return RowPointers(
        _i8(at[0]),
        _i1(at[1]),
        _i1(at[2]),
        _i4(at[3]),
        _f8(at[4]),
        _i4(at[5]),
        _i8(at[6]),
        _i8(at[7]),
        at[8],
    )


@inline
def take_moments(at: Any) -> Any:  # pragma: no cover (compiled)
    """Return the pointers of `handover.MOMENTS`."""
    return MomentPointers(_i8(at[0]), at[1])


@inline
def take_book(at: Any) -> Any:  # pragma: no cover (compiled)
    """Return the pointers of `handover.BOOK`."""
    return BookPointers(
        _i8(at[0]),
        _i8(at[1]),
        _i4(at[2]),
        _u8(at[3]),
        _f8(at[4]),
        _f8(at[5]),
        _f8(at[6]),
        at[7],
        at[8],
        at[9],
    )


@inline
def take_out(at: Any) -> Any:  # pragma: no cover (compiled)
    """Return the pointers of `handover.OUT`."""
    return OutPointers(
        _i8(at[0]),
        _i4(at[1]),
        _i8(at[2]),
        _i8(at[3]),
        _f8(at[4]),
        _f8(at[5]),
        _f8(at[6]),
        at[7],
        at[8],
    )
