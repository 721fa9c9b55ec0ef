"""Computes the top of one market, its best levels, by the fastest engine installed."""

import functools
import warnings
from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow.compute as pc

from booktape.replay.plain import PlainEngine
from booktape.replay.rows import Batch, Block, Layout
from booktape.replay.stream import Stream


class Engine(Protocol):
    """The protocol of both engines; an engine serves one stream and one question."""

    def grid(self, start: int, end: int, every: int) -> Iterator[Block]:
        """Yield the book at each multiple of `every` in `[start, end)`."""
        ...

    def at(self, moments: Any) -> Iterator[Block]:
        """Yield the book at each moment of an int64 array that never falls."""
        ...

    def changes(self, start: int, end: int) -> Iterator[Block]:
        """Yield the book at `start` and after each instant before `end` that changes its levels."""
        ...


def top_at(stream: Stream, layout: Layout, moments: Any) -> Iterator[Batch]:
    """Yield the best levels at each moment of an int64 array of µs; ValueError if the array falls.

    `stream` is for `[the first moment, the last + 1)`.
    """
    falls = pc.index(pc.less(moments[1:], moments[:-1]), value=True).as_py()
    if falls >= 0:
        raise ValueError(f"moment {falls + 1} of at is earlier than the one before: sort them")
    for block in choose_engine(stream, layout).at(moments):
        yield layout.make_batch(block, stream.sessions)


def top(
    stream: Stream, layout: Layout, start: int, end: int, *, every: int | None
) -> Iterator[Batch]:
    """Yield the best levels at each multiple of `every` µs in `[start, end)`, times in µs.

    Without `every`, yield a row for each instant at which they change, the first at `start`; a time
    without a known book is one row of nulls. `stream` is for the same `[start, end)`. No batch has
    more than `layout.rows_max` rows, and this reads only as much as the caller draws.
    """
    engine = choose_engine(stream, layout)
    blocks = engine.changes(start, end) if every is None else engine.grid(start, end, every)
    for block in blocks:
        yield layout.make_batch(block, stream.sessions)


def choose_engine(stream: Stream, layout: Layout) -> Engine:
    """Return the compiled engine, or the plain one if numba is not installed."""
    engine: Any
    try:
        from booktape.replay.entries import load_entries  # noqa: PLC0415 (loads numba)
        from booktape.replay.fast import FastEngine as engine  # noqa: N813, PLC0415 (as above)

        load_entries()
    except ImportError as error:
        _advise(str(error))
        engine = PlainEngine
    chosen: Engine = engine(
        stream, depth=layout.depth, bands=layout.bands, rows_max=layout.rows_max
    )
    return chosen


@functools.cache
def _advise(reason: str) -> None:
    """Advise once that numba would be faster."""
    warnings.warn(
        f"replaying without the compiled engine ({reason}); with numba (`pip install numba`),"
        " the same rows come about fifty times as fast",
        stacklevel=4,
    )
