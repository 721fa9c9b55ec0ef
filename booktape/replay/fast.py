"""The fast engine: feeds the compiled kernel with a stream's rows, a chunk at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from booktape.replay import kernel
from booktape.replay.rows import Block
from booktape.replay.stream import Batch, Stream

# Ranking costs some thousand prices a chunk: small batches are put together up to here.
CHUNK_ROWS: Final = 1 << 18
_WORD_BITS: Final = 64
_TABLE_SLOTS: Final = 1 << 16  # of the table of prices, at first
_NOTHING: Final = Batch(
    *(np.empty(0, kind) for kind in ("i8", "i1", "i1", "f8", "f8", "i4", "i8", "i8"))
)

Rows = tuple[Any, ...]


class FastEngine:
    """One market's book between two rows of its stream, and the rows that are made of it."""

    def __init__(
        self, stream: Stream, *, depth: int, bands: Sequence[float], rows_max: int
    ) -> None:
        """Start with nothing known; blocks have at most `rows_max` rows."""
        self._batches = stream.batches
        self._depth = depth
        self._bands = np.array(bands, np.float64)
        self._rows_max = rows_max
        self._state = np.zeros(kernel.STATES, np.int64)
        self._marks = np.zeros((kernel.MARKS, 2), np.int64)
        self._levels = np.zeros((4, depth))
        self._slots = _TABLE_SLOTS
        self._bitmap = np.zeros(0, np.uint64)
        self._sizes = self._prices = np.zeros(0)
        self._ranks = np.zeros((2, 0), np.int32)

    def grid(self, start: int, end: int, every: int) -> Iterator[Block]:
        """Yield the book at each multiple of `every` in `[start, end)`."""
        first = -(-start // every)
        count = max(0, -(-end // every) - first)
        blocks = (
            np.arange(first + begin, first + min(begin + self._rows_max, count), dtype=np.int64)
            * every
            for begin in range(0, count, self._rows_max)
        )
        return self._fill_moments(blocks, end)

    def at(self, moments: Any) -> Iterator[Block]:
        """Yield the book at each moment of an int64 array that never falls."""
        if not len(moments):
            return iter(())
        values = moments.to_numpy()
        blocks = (
            values[begin : begin + self._rows_max]
            for begin in range(0, len(values), self._rows_max)
        )
        return self._fill_moments(blocks, int(values[-1]) + 1)

    def changes(self, start: int, end: int) -> Iterator[Block]:
        """Yield the book at `start` and after each instant before `end` that changes its levels."""
        if start >= end:
            return
        self._state[kernel.NOW] = start
        self._state[kernel.IS_OPEN] = 1
        self._state[kernel.WAS_KNOWN] = -1
        out, written = self._make_out(self._rows_max), 0
        for rows, is_last in self._chunks(end):
            begin = 0
            while True:
                counts = (begin, written)
                begin, written = kernel.fill_changes(rows, self._book(), out, counts, is_last)
                if written < self._rows_max:
                    break  # by then all rows are applied
                yield self._make_block(out, written)
                out, written = self._make_out(self._rows_max), 0
        if written:
            yield self._make_block(out, written)

    def _fill_moments(self, blocks: Iterator[Any], end: int) -> Iterator[Block]:
        chunks = self._chunks(end)
        rows, is_last, begin = self._load(_NOTHING), False, 0
        for moments in blocks:
            out, written = self._make_out(len(moments)), 0
            while True:
                counts = (begin, written)
                begin, written = kernel.fill_moments(
                    rows, self._book(), out, moments, counts, is_last
                )
                if written == len(moments):
                    break
                rows, is_last = next(chunks)
                begin = 0
            yield self._make_block(out, written)

    def _chunks(self, end: int) -> Iterator[tuple[Rows, bool]]:
        """Yield the rows before `end`, ranked; then, as the last, no rows."""
        held: list[Batch] = []
        count = 0
        for batch in self._batches:
            arrays = Batch(*(column.to_numpy() for column in batch))
            stop = int(np.searchsorted(arrays.ts, end))
            held.append(arrays if stop == len(arrays.ts) else _cut(arrays, stop))
            count += stop
            if count >= CHUNK_ROWS:
                yield self._load(_join(held)), False
                held, count = [], 0
            if stop < len(arrays.ts):
                break
        if count:
            yield self._load(_join(held)), False
        yield self._load(_NOTHING), True

    def _book(self) -> tuple[Any, ...]:
        return (
            self._state,
            self._marks,
            self._ranks,
            self._bitmap,
            self._sizes,
            self._prices,
            self._levels,
        )

    def _load(self, batch: Batch) -> Rows:
        """Rank the prices of the book and of these rows anew; return the rows for the kernel."""
        kept = np.flatnonzero(np.unpackbits(self._bitmap.view(np.uint8), bitorder="little"))
        bids = int(np.searchsorted(kept, self._bitmap.size // 2 * _WORD_BITS))
        distinct, ids = self._intern(np.concatenate([self._prices[kept], batch.price]))
        order = np.argsort(distinct)
        place = np.empty(len(distinct), np.int32)
        place[order] = np.arange(len(distinct), dtype=np.int32)
        words = max(1, -(-len(distinct) // _WORD_BITS))
        self._ranks = np.stack([len(distinct) - 1 - place, words * _WORD_BITS + place])
        book = np.concatenate([self._ranks[0, ids[:bids]], self._ranks[1, ids[bids : len(kept)]]])
        prices = np.zeros(2 * words * _WORD_BITS)
        prices[self._ranks] = distinct
        sizes = np.zeros(len(prices))
        sizes[book] = self._sizes[kept]
        is_there = np.zeros(len(prices), np.bool_)
        is_there[book] = True
        self._bitmap = np.packbits(is_there, bitorder="little").view(np.uint64)
        self._sizes, self._prices = sizes, prices
        for side in range(2):
            self._marks[kernel.FIRST_WORD, side] = side * words
            self._marks[kernel.EDGE, side] = kernel.FAR
            self._marks[kernel.IS_CHANGED, side] = 1
        return (
            batch.ts,
            batch.action,
            batch.side,
            ids[len(kept) :],
            batch.size,
            batch.session,
            batch.event_number,
            batch.ts_effective,
        )

    def _intern(self, prices: Any) -> tuple[Any, Any]:
        """Return the distinct prices, and each price's place among them."""
        ids = np.empty(len(prices), np.int32)
        while True:
            distinct = np.empty(self._slots // 2, np.int64)
            table = np.empty(self._slots, np.int64)
            slots = np.full(self._slots, -1, np.int32)
            count = kernel.intern(prices.view(np.int64), ids, table, slots, distinct, 0)
            if count >= 0:
                return distinct[:count].view(np.float64), ids
            self._slots *= 4

    def _make_out(self, rows: int) -> tuple[Any, ...]:
        self._state[kernel.FEWEST] = self._depth
        return (
            np.empty(rows, np.int64),
            np.empty(rows, np.int32),
            np.empty(rows, np.int64),
            np.empty(rows, np.int64),
            np.empty((4 * self._depth, rows)),
            np.empty((2 * len(self._bands), rows)),
            self._bands,
        )

    def _make_block(self, out: tuple[Any, ...], rows: int) -> Block:
        ts, session, event_number, age_us, levels, sums, _ = out
        fewest = int(self._state[kernel.FEWEST])
        unknown = None if fewest else session[:rows] < 0
        return Block(
            pa.array(ts[:rows]),
            pa.array(session[:rows], mask=unknown),
            pa.array(event_number[:rows], mask=unknown),
            pa.array(age_us[:rows], mask=unknown),
            # Not a number stands for null, and is looked for only where it may be.
            [
                pa.array(column[:rows], from_pandas=number // 4 >= fewest)
                for number, column in enumerate(levels)
            ],
            [pa.array(column[:rows], from_pandas=not fewest) for column in sums],
        )


def _cut(batch: Batch, rows: int) -> Batch:
    return Batch(*(column[:rows] for column in batch))


def _join(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return Batch(*(np.concatenate(columns) for columns in zip(*batches, strict=True)))
