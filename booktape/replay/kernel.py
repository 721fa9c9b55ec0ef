"""The compiled kernel replays rows into best levels: prices become ranks, a side is a bitmap.

A price's rank is its place among all prices of the batch and of the book. Bids rank from the
highest price down, asks from the lowest up and after all bids, so that the best level of a side is
its lowest bit. To apply a row is then one store, whatever the depth; the kernel reads levels off
the bitmap only for a row of output. Keys are the tape's own doubles: no ticks, no rounding.

The code uses plain pointers and raises no error, so that its machine code needs neither Python nor
numba. So it checks no index, and uses no range with a step and no slice. A function stands above
its caller, because the compiler types the code from the top down.
"""

from typing import Any, Final

import numpy as np

from booktape.replay.handover import (
    COUNT,
    EDGE,
    EVENT_NUMBER,
    FAR,
    FEWEST,
    FIRST_WORD,
    IS_CHANGED,
    IS_OPEN,
    KNOWN,
    NOW,
    SESSION,
    TS_EFFECTIVE,
    WAS_KNOWN,
)
from booktape.replay.pointers import (
    inline,
    take_book,
    take_moments,
    take_out,
    take_prices,
    take_rows,
)

_LEVEL: Final = 0
_BEGIN: Final = 1
_END: Final = 2
_ONE: Final = np.uint64(1)
_SIX: Final = np.uint64(6)
_LOW_SIX: Final = np.uint64(63)
_SIGN: Final = np.int64(-(1 << 63))  # the bits of -0.0, which is the same price as 0.0
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing
_HALF: Final = np.uint64(32)
# The lowest bit times this constant has the bit's place in its six highest bits.
_DE_BRUIJN: Final = np.uint64(0x03F79D71B4CB0A89)
_TOP_SIX: Final = np.uint64(58)
_PLACES: Final = np.argsort([((int(_DE_BRUIJN) << bit) % (1 << 64)) >> 58 for bit in range(64)])


@inline
def _apply(rows: Any, book: Any, begin: int, end: int) -> None:  # pragma: no cover (compiled)
    state, marks, bitmap = book.state, book.marks, book.bitmap
    for row in range(begin, end):
        kind = rows.action[row]
        if kind == _LEVEL:
            of = np.int64(rows.side[row])
            rank = np.uint64(book.ranks[of * book.distinct + rows.ids[row]])
            word = rank >> _SIX
            bit = _ONE << (rank & _LOW_SIX)
            if rows.size[row] != 0.0:
                bitmap[word] |= bit
                book.sizes[rank] = rows.size[row]
                marks[2 * FIRST_WORD + of] = min(marks[2 * FIRST_WORD + of], np.int64(word))
            else:
                bitmap[word] &= ~bit
            if np.int64(rank) <= marks[2 * EDGE + of]:
                marks[2 * IS_CHANGED + of] = 1
        elif kind == _BEGIN:
            for place in range(book.words):
                bitmap[place] = np.uint64(0)
            for both in range(2):
                marks[2 * FIRST_WORD + both] = book.words
                marks[2 * IS_CHANGED + both] = 1
            state[KNOWN] = 1
        elif kind == _END:
            state[KNOWN] = 0
    state[SESSION] = rows.session[end - 1]
    state[EVENT_NUMBER] = rows.event_number[end - 1]
    state[TS_EFFECTIVE] = rows.ts_effective[end - 1]


@inline
def _read(book: Any, side: int) -> bool:  # pragma: no cover (compiled)
    """Read a side's best levels off the bitmap; return whether they differ from the last ones."""
    marks, bitmap, levels, depth = book.marks, book.bitmap, book.levels, book.depth
    limit = (book.words >> 1) * (side + 1)
    word = marks[2 * FIRST_WORD + side]
    while word < limit and bitmap[word] == 0:
        word += 1
    marks[2 * FIRST_WORD + side] = word
    best = 2 * side * depth
    best_sizes = best + depth
    count, edge, differs = 0, FAR, False
    while word < limit and count < depth:
        bits = bitmap[word]
        while bits != 0 and count < depth:
            lowest = bits & (~bits + _ONE)
            bits ^= lowest
            edge = (word << 6) + _PLACES[(lowest * _DE_BRUIJN) >> _TOP_SIX]
            price, size = book.prices[edge], book.sizes[edge]
            differs |= levels[best + count] != price or levels[best_sizes + count] != size
            levels[best + count] = price
            levels[best_sizes + count] = size
            count += 1
        word += 1
    differs |= bool(count != marks[2 * COUNT + side])
    marks[2 * COUNT + side] = count
    marks[2 * EDGE + side] = edge if count == depth else FAR
    marks[2 * IS_CHANGED + side] = 0
    return differs


@inline
def _look(book: Any) -> bool:  # pragma: no cover (compiled)
    """Read the changed sides; return whether the levels differ from the last row."""
    differs = bool(book.state[KNOWN] != book.state[WAS_KNOWN])
    if book.state[KNOWN]:
        for side in range(2):
            if book.marks[2 * IS_CHANGED + side] and _read(book, side):
                differs = True
    return differs


@inline
def _sum_band(
    book: Any, side: int, mid: float, band: float
) -> float:  # pragma: no cover (compiled)
    """Return the sum of a side's sizes with prices within the band, from the best on."""
    total = 0.0
    for word in range(book.marks[2 * FIRST_WORD + side], (book.words >> 1) * (side + 1)):
        bits = book.bitmap[word]
        while bits != 0:
            lowest = bits & (~bits + _ONE)
            bits ^= lowest
            rank = (word << 6) + _PLACES[(lowest * _DE_BRUIJN) >> _TOP_SIX]
            distance = book.prices[rank] / mid - 1.0
            if side == 0:
                distance = -distance
            if distance > band:
                return total
            # In a crossed book, the best price may be beyond the middle by more than the band.
            if distance >= -band:
                total += book.sizes[rank]
    return total


@inline
def _clear(values: Any, first: int, end: int, step: int) -> None:  # pragma: no cover (compiled)
    place = first
    while place < end:  # a range could raise for its step
        values[place] = np.nan
        place += step


@inline
def _write(book: Any, out: Any, row: int, now: int) -> None:  # pragma: no cover (compiled)
    state, levels, depth, room = book.state, book.levels, book.depth, out.room
    sums_end = 2 * out.bands_count * room
    out.ts[row] = now
    if not state[KNOWN]:
        out.session[row] = -1
        out.event_number[row] = -1
        out.age_us[row] = -1
        _clear(out.levels, row, 4 * depth * room, room)
        _clear(out.sums, row, sums_end, room)
        state[FEWEST] = 0
        return
    out.session[row] = state[SESSION]
    out.event_number[row] = state[EVENT_NUMBER]
    out.age_us[row] = now - state[TS_EFFECTIVE]
    for side in range(2):
        count = book.marks[2 * COUNT + side]
        state[FEWEST] = min(state[FEWEST], count)
        best = 2 * side * depth
        for level in range(depth):
            price = (4 * level + 2 * side) * room + row
            is_there = level < count
            out.levels[price] = levels[best + level] if is_there else np.nan
            out.levels[price + room] = levels[best + depth + level] if is_there else np.nan
    if not book.marks[2 * COUNT] or not book.marks[2 * COUNT + 1]:
        _clear(out.sums, row, sums_end, room)
        return
    mid = (levels[0] + levels[2 * depth]) / 2.0
    for band in range(out.bands_count):
        for side in range(2):
            total = _sum_band(book, side, mid, out.bands[band])
            out.sums[(2 * band + side) * room + row] = total


def intern(prices_at: Any) -> int:  # pragma: no cover (compiled)
    """Give each price a number, in the order in which they come.

    Return the count of distinct prices, or -1 if the table would be more than half full.
    """
    prices = take_prices(prices_at)
    table, slots = prices.table, prices.slots
    mask = np.uint64(prices.slots_count - 1)
    found = 0
    for row in range(prices.count):
        key = prices.bits[row]
        if key == _SIGN:
            key = np.int64(0)
        slot = ((np.uint64(key) * _SPREAD) >> _HALF) & mask
        while slots[slot] >= 0 and table[slot] != key:
            slot = (slot + _ONE) & mask
        if slots[slot] < 0:
            if found == prices.distinct_max:
                return -1
            table[slot] = key
            slots[slot] = found
            prices.distinct[found] = key
            found += 1
        prices.ids[row] = slots[slot]
    return found


def fill_moments(  # noqa: PLR0917 (compiled code takes no keywords)
    moments_at: Any, rows_at: Any, book_at: Any, out_at: Any, counts: Any, is_last: int
) -> None:  # pragma: no cover (compiled)
    """Write the book at each moment, from `counts` (rows applied, moments written) on.

    Stop when all moments are written or all rows are applied, and update `counts`. If more rows
    may belong to the last moment, leave it open, unless these were the last rows.
    """
    rows, book, out = take_rows(rows_at), take_book(book_at), take_out(out_at)
    moments = take_moments(moments_at)
    begin, written = counts[0], counts[1]
    while written < moments.count:
        moment = moments.ts[written]
        end = begin
        while end < rows.count and rows.ts[end] <= moment:
            end += 1
        if end > begin:
            _apply(rows, book, begin, end)
            begin = end
        if begin == rows.count and not is_last:
            break
        if book.state[KNOWN]:
            for side in range(2):
                if book.marks[2 * IS_CHANGED + side]:
                    _read(book, side)
        _write(book, out, written, moment)
        written += 1
    counts[0] = begin
    counts[1] = written


def fill_changes(
    rows_at: Any, book_at: Any, out_at: Any, counts: Any, is_last: int
) -> None:  # pragma: no cover (compiled)
    """Write a row for each instant after which the levels differ from the row before.

    It uses `counts` as `fill_moments` does.
    """
    rows, book, out = take_rows(rows_at), take_book(book_at), take_out(out_at)
    state = book.state
    begin, written = counts[0], counts[1]
    while True:
        now = state[NOW]
        end = begin
        while end < rows.count and rows.ts[end] <= now:
            end += 1
        if end > begin:
            _apply(rows, book, begin, end)
            begin = end
            state[IS_OPEN] = 1
        if begin == rows.count and not is_last:
            break
        if state[IS_OPEN]:
            if written == out.room:
                break
            if _look(book):
                _write(book, out, written, now)
                state[WAS_KNOWN] = state[KNOWN]
                written += 1
            state[IS_OPEN] = 0
        if begin == rows.count:
            break
        state[NOW] = rows.ts[begin]
    counts[0] = begin
    counts[1] = written
