"""Compiles the kernel: for one set of types, at import or out of numba's cache."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numba
from numba import types

Function = TypeVar("Function", bound=Callable[..., object])


def _readonly(scalar: Any, dimensions: int = 1) -> Any:
    """Return the type of arrays that are only read: writable ones are taken as well."""
    return types.Array(scalar, dimensions, "C", readonly=True)


_MARKS = types.int64[:, ::1]
_WORDS = types.uint64[::1]
_PLACES_OF = types.int32[:, ::1]
_COLUMNS = types.float64[:, ::1]
# Rows: ts, action, side, ids, size, session, event_number, ts_effective.
_ROWS = types.Tuple(  # type: ignore[no-untyped-call]
    [
        _readonly(scalar)
        for scalar in (
            types.int64,
            types.int8,
            types.int8,
            types.int32,
            types.float64,
            types.int32,
            types.int64,
            types.int64,
        )
    ]
)
# The book: state, marks, ranks of ids, bitmap, sizes and prices by rank, the levels last read.
_BOOK = types.Tuple(  # type: ignore[no-untyped-call]
    [
        types.int64[::1],
        _MARKS,
        _PLACES_OF,
        _WORDS,
        types.float64[::1],
        types.float64[::1],
        _COLUMNS,
    ]
)
# What is written: ts, session, event_number, age_us, levels, sums; and the bands of the sums.
_OUT = types.Tuple(  # type: ignore[no-untyped-call]
    [
        types.int64[::1],
        types.int32[::1],
        types.int64[::1],
        types.int64[::1],
        _COLUMNS,
        _COLUMNS,
        types.float64[::1],
    ]
)
_COUNTS = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]
INTERN: Final = types.int64(
    _readonly(types.int64),
    types.int32[::1],
    types.int64[::1],
    types.int32[::1],
    types.int64[::1],
    types.int64,
)
MOMENTS: Final = _COUNTS(_ROWS, _BOOK, _OUT, _readonly(types.int64), _COUNTS, types.boolean)
CHANGES: Final = _COUNTS(_ROWS, _BOOK, _OUT, _COUNTS, types.boolean)
# What only compiled code calls is compiled with its callers.
share = numba.njit(nogil=True, error_model="numpy")


def compile_for(signature: Any) -> Callable[[Function], Function]:
    """Return what compiles a function now for these types, or loads it from the cache.

    The cache is the folder beside the function's file, else the user's own; where neither can be
    written the code is compiled each time.
    """

    def decorate(function: Function) -> Function:
        compiled: Any
        try:
            compiled = numba.njit(signature, cache=True, nogil=True, error_model="numpy")(function)
        except (RuntimeError, OSError):  # no such folder, or it is full
            compiled = numba.njit(signature, nogil=True, error_model="numpy")(function)
        typed: Function = compiled
        return typed

    return decorate
