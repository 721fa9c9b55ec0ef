"""The fast engine: feeds the compiled kernel with a stream's rows, a chunk at a time."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa

from booktape.replay import handover
from booktape.replay.entries import load_entries
from booktape.replay.handover import address_of, hand_over
from booktape.replay.rows import Block
from booktape.replay.stream import Batch, Stream

# Ranking sorts some thousand prices per chunk, so small batches are joined up to this size.
CHUNK_ROWS: Final = 1 << 18
_WORD_BITS: Final = 64
_TABLE_SLOTS: Final = 1 << 16  # the first size of the table of prices
_NOTHING: Final = Batch(
    *(np.empty(0, kind) for kind in ("i8", "i1", "i1", "f8", "f8", "i4", "i8", "i8"))
)

Rows = tuple[Any, ...]
Out = tuple[Any, ...]


class FastEngine:
    """Replays one market's stream: keeps the book between two rows, and makes rows of it."""

    def __init__(
        self, stream: Stream, *, depth: int, bands: Sequence[float], rows_max: int
    ) -> None:
        """Start with nothing known; blocks have at most `rows_max` rows."""
        self._entries = load_entries()
        self._batches = stream.batches
        self._depth = depth
        self._bands = np.array(bands, np.float64)
        self._rows_max = rows_max
        self._state = np.zeros(handover.STATES, np.int64)
        self._marks = np.zeros((handover.MARKS, 2), np.int64)
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
        self._state[handover.NOW] = start
        self._state[handover.IS_OPEN] = 1
        self._state[handover.WAS_KNOWN] = -1
        out = self._make_out(self._rows_max)
        counts = np.zeros(2, np.int64)  # rows applied, rows written
        for rows, is_last in self._chunks(end):
            counts[0] = 0
            while True:
                self._fill(self._entries.fill_changes, rows, out, counts, is_last=is_last)
                if counts[1] < self._rows_max:
                    break  # all rows are applied
                yield self._make_block(out, self._rows_max)
                out, counts[1] = self._make_out(self._rows_max), 0
        if counts[1]:
            yield self._make_block(out, int(counts[1]))

    def _fill_moments(self, blocks: Iterator[Any], end: int) -> Iterator[Block]:
        chunks = self._chunks(end)
        rows, is_last = self._load(_NOTHING), False
        counts = np.zeros(2, np.int64)  # rows applied, moments written
        for moments in blocks:
            out, counts[1] = self._make_out(len(moments)), 0
            asked = hand_over(handover.MOMENTS, (moments,), len(moments))
            fill = partial(self._entries.fill_moments, address_of(asked))
            while True:
                self._fill(fill, rows, out, counts, is_last=is_last)
                if counts[1] == len(moments):
                    break
                rows, is_last = next(chunks)
                counts[0] = 0
            yield self._make_block(out, len(moments))

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

    def _fill(
        self, fill: Callable[..., None], rows: Rows, out: Out, counts: Any, *, is_last: bool
    ) -> None:
        """Make the kernel apply rows and write into `out`, from `counts` on."""
        book = (
            self._state,
            self._marks,
            self._ranks,
            self._bitmap,
            self._sizes,
            self._prices,
            self._levels,
        )
        distinct, words = self._ranks.shape[1], len(self._bitmap)
        handed = (
            hand_over(handover.ROWS, rows, len(rows[0])),
            hand_over(handover.BOOK, book, distinct, words, self._depth),
            hand_over(handover.OUT, out, len(out[0]), len(self._bands)),
            counts,
        )
        fill(*map(address_of, handed), is_last)

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
            self._marks[handover.FIRST_WORD, side] = side * words
            self._marks[handover.EDGE, side] = handover.FAR
            self._marks[handover.IS_CHANGED, side] = 1
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
            arrays = (prices.view(np.int64), ids, table, slots, distinct)
            handed = hand_over(handover.PRICES, arrays, len(prices), self._slots, len(distinct))
            count = self._entries.intern(address_of(handed))
            if count >= 0:
                return distinct[:count].view(np.float64), ids
            self._slots *= 4

    def _make_out(self, rows: int) -> Out:
        self._state[handover.FEWEST] = self._depth
        return (
            np.empty(rows, np.int64),
            np.empty(rows, np.int32),
            np.empty(rows, np.int64),
            np.empty(rows, np.int64),
            np.empty((4 * self._depth, rows)),
            np.empty((2 * len(self._bands), rows)),
            self._bands,
        )

    def _make_block(self, out: Out, rows: int) -> Block:
        ts, session, event_number, age_us, levels, sums, _ = out
        fewest = int(self._state[handover.FEWEST])
        unknown = None if fewest else session[:rows] < 0
        return Block(
            _to_arrow(ts[:rows]),
            _to_arrow(session[:rows], unknown),
            _to_arrow(event_number[:rows], unknown),
            _to_arrow(age_us[:rows], unknown),
            # NaN stands for null; search for it only where it may occur.
            [
                _to_column(column[:rows], is_sparse=number // 4 >= fewest)
                for number, column in enumerate(levels)
            ],
            [_to_column(column[:rows], is_sparse=not fewest) for column in sums],
        )


def _to_column(values: Any, *, is_sparse: bool) -> pa.Array:
    return _to_arrow(values, np.isnan(values) if is_sparse else None)


def _to_arrow(values: Any, is_null: Any = None) -> pa.Array:
    """Return an array on the same memory; `pa.array` would load numpy.ma to look for masks."""
    valid = None if is_null is None else pa.py_buffer(np.packbits(~is_null, bitorder="little"))
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(values)])


def _cut(batch: Batch, rows: int) -> Batch:
    return Batch(*(column[:rows] for column in batch))


def _join(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return Batch(*(np.concatenate(columns) for columns in zip(*batches, strict=True)))
