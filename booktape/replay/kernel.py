"""The compiled kernel replays rows into best levels: prices become ranks, a side is a bitmap.

A price's rank is its place among all prices of the batch and of the book. Bids are ranked from the
highest price down, asks from the lowest up and behind all bids, so that the best level of a side
is its lowest bit. A row is then one store, whatever the depth; levels are read off the bitmap only
when somebody looks. Keys are the tape's own doubles: no ticks, no rounding.

Whoever is called stands above its caller, for the entries are compiled where they stand. All that
they share is in this file, for numba's cache looks at the time of this file alone.
"""

from typing import Any, Final

import numpy as np

from booktape.replay.compiling import CHANGES, INTERN, MOMENTS, compile_for, share

# Places in `state`, which outlives a call, and in `marks`, which has each for bids and asks.
KNOWN: Final = 0  # 1 while a span is open
SESSION: Final = 1  # of the last row, as are the next two
EVENT_NUMBER: Final = 2
TS_EFFECTIVE: Final = 3
NOW: Final = 4  # the instant whose rows are being applied
IS_OPEN: Final = 5  # 1 while nobody has looked at that instant
WAS_KNOWN: Final = 6  # as of the last row written; -1 before the first
FEWEST: Final = 7  # levels on the shorter side of any row written
STATES: Final = 8

FIRST_WORD: Final = 0  # no bit of the side is below this word
EDGE: Final = 1  # the rank of the last level read: what lies behind it changes no row
IS_CHANGED: Final = 2  # 1 if the levels must be read again
COUNT: Final = 3  # of levels read
MARKS: Final = 4
FAR: Final = 1 << 62  # an edge behind everything

_LEVEL: Final = 0
_BEGIN: Final = 1
_END: Final = 2
_ONE: Final = np.uint64(1)
_SIX: Final = np.uint64(6)
_LOW_SIX: Final = np.uint64(63)
_SIGN: Final = np.int64(-(1 << 63))  # the bits of -0.0, which is the price 0.0 too
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing
_HALF: Final = np.uint64(32)
# The lowest bit times this constant has the bit's place in its six highest bits.
_DE_BRUIJN: Final = np.uint64(0x03F79D71B4CB0A89)
_TOP_SIX: Final = np.uint64(58)
_PLACES: Final = np.argsort([((int(_DE_BRUIJN) << bit) % (1 << 64)) >> 58 for bit in range(64)])


@share
def _apply(rows: Any, book: Any, begin: int, end: int) -> None:  # pragma: no cover (compiled)
    _, action, side, ids, size, session, event_number, ts_effective = rows
    state, marks, ranks, bitmap, sizes, _, _ = book
    for at in range(begin, end):
        row = np.uint64(at)
        kind = action[row]
        if kind == _LEVEL:
            of = np.uint64(side[row])
            rank = np.uint64(ranks[of, np.uint64(ids[row])])
            word = rank >> _SIX
            bit = _ONE << (rank & _LOW_SIX)
            if size[row] != 0.0:
                bitmap[word] |= bit
                sizes[rank] = size[row]
                marks[FIRST_WORD, of] = min(marks[FIRST_WORD, of], np.int64(word))
            else:
                bitmap[word] &= ~bit
            if np.int64(rank) <= marks[EDGE, of]:
                marks[IS_CHANGED, of] = 1
        elif kind == _BEGIN:
            bitmap[:] = np.uint64(0)
            marks[FIRST_WORD] = len(bitmap)
            marks[IS_CHANGED] = 1
            state[KNOWN] = 1
        elif kind == _END:
            state[KNOWN] = 0
    state[SESSION] = session[end - 1]
    state[EVENT_NUMBER] = event_number[end - 1]
    state[TS_EFFECTIVE] = ts_effective[end - 1]


@share
def _read(book: Any, side: int) -> bool:  # pragma: no cover (compiled)
    """Read a side's best levels off the bitmap; return whether they differ from those before."""
    _, marks, _, bitmap, sizes, prices, levels = book
    depth = levels.shape[1]
    limit = (len(bitmap) >> 1) * (side + 1)
    word = marks[FIRST_WORD, side]
    while word < limit and bitmap[word] == 0:
        word += 1
    marks[FIRST_WORD, side] = word
    best, best_sizes = levels[2 * side], levels[2 * side + 1]
    count, edge, differs = 0, FAR, False
    while word < limit and count < depth:
        bits = bitmap[word]
        while bits != 0 and count < depth:
            lowest = bits & (~bits + _ONE)
            bits ^= lowest
            edge = (word << 6) + _PLACES[(lowest * _DE_BRUIJN) >> _TOP_SIX]
            price, size = prices[np.uint64(edge)], sizes[np.uint64(edge)]
            at = np.uint64(count)
            differs |= best[at] != price or best_sizes[at] != size
            best[at] = price
            best_sizes[at] = size
            count += 1
        word += 1
    differs |= bool(count != marks[COUNT, side])
    marks[COUNT, side] = count
    marks[EDGE, side] = edge if count == depth else FAR
    marks[IS_CHANGED, side] = 0
    return differs


@share
def _look(book: Any) -> bool:  # pragma: no cover (compiled)
    """Read what changed; return whether it differs from the last row."""
    state, marks = book[0], book[1]
    differs = bool(state[KNOWN] != state[WAS_KNOWN])
    if state[KNOWN]:
        for side in range(2):
            if marks[IS_CHANGED, side] and _read(book, side):
                differs = True
    return differs


@share
def _sum_band(
    book: Any, side: int, mid: float, band: float
) -> float:  # pragma: no cover (compiled)
    """Return the sum of a side's sizes whose prices are within the band, from the best on."""
    _, marks, _, bitmap, sizes, prices, _ = book
    total = 0.0
    for word in range(marks[FIRST_WORD, side], (len(bitmap) >> 1) * (side + 1)):
        bits = bitmap[word]
        while bits != 0:
            lowest = bits & (~bits + _ONE)
            bits ^= lowest
            rank = (word << 6) + _PLACES[(lowest * _DE_BRUIJN) >> _TOP_SIX]
            distance = prices[rank] / mid - 1.0
            if side == 0:
                distance = -distance
            if distance > band:
                return total
            # The best of a crossed book may lie beyond the middle by more than the band.
            if distance >= -band:
                total += sizes[rank]
    return total


@share
def _write(book: Any, out: Any, row: int, now: int) -> None:  # pragma: no cover (compiled)
    state, marks, levels = book[0], book[1], book[6]
    ts, session, event_number, age_us, columns, sums, bands = out
    to = np.uint64(row)
    ts[row] = now
    if not state[KNOWN]:
        session[row] = event_number[row] = age_us[row] = -1
        columns[:, row] = np.nan
        sums[:, row] = np.nan
        state[FEWEST] = 0
        return
    session[row] = state[SESSION]
    event_number[row] = state[EVENT_NUMBER]
    age_us[row] = now - state[TS_EFFECTIVE]
    depth = levels.shape[1]
    for side in range(2):
        count = marks[COUNT, side]
        state[FEWEST] = min(state[FEWEST], count)
        best, best_sizes = levels[2 * side], levels[2 * side + 1]
        for level in range(depth):
            column, at = np.uint64(4 * level + 2 * side), np.uint64(level)
            is_there = level < count
            columns[column, to] = best[at] if is_there else np.nan
            columns[column + _ONE, to] = best_sizes[at] if is_there else np.nan
    if not marks[COUNT, 0] or not marks[COUNT, 1]:
        sums[:, row] = np.nan
        return
    mid = (levels[0, 0] + levels[2, 0]) / 2.0
    for band in range(len(bands)):
        for side in range(2):
            sums[2 * band + side, row] = _sum_band(book, side, mid, bands[band])


@compile_for(INTERN)
def intern(  # noqa: PLR0917 (compiled code takes no keywords)
    bits: Any, ids: Any, table: Any, slots: Any, distinct: Any, count: int
) -> int:  # pragma: no cover (compiled)
    """Give each price a number, in the order of their coming, after the first `count`.

    `slots` is -1 where the table is free. Return how many there are, or -1 where the table would
    be more than half full.
    """
    mask = np.uint64(len(table) - 1)
    for row in range(len(bits)):
        key = bits[row]
        if key == _SIGN:
            key = np.int64(0)
        slot = ((np.uint64(key) * _SPREAD) >> _HALF) & mask
        while slots[slot] >= 0 and table[slot] != key:
            slot = (slot + _ONE) & mask
        if slots[slot] < 0:
            if count == len(distinct):
                return -1
            table[slot] = key
            slots[slot] = count
            distinct[count] = key
            count += 1
        ids[row] = slots[slot]
    return count


@compile_for(MOMENTS)
def fill_moments(  # noqa: PLR0917 (compiled code takes no keywords)
    rows: Any,
    book: Any,
    out: Any,
    moments: Any,
    counts: tuple[int, int],
    is_last: bool,  # noqa: FBT001 (as above)
) -> tuple[int, int]:  # pragma: no cover (compiled)
    """Write the book at each moment, from `counts` (rows applied, moments written) on.

    Return the same counts where the moments are all written, or the rows all applied: then a
    moment whose rows may go on is left open, unless these were the last.
    """
    ts, state, marks = rows[0], book[0], book[1]
    begin, written = counts
    while written < len(moments):
        moment = moments[written]
        end = begin
        while end < len(ts) and ts[end] <= moment:
            end += 1
        if end > begin:
            _apply(rows, book, begin, end)
            begin = end
        if begin == len(ts) and not is_last:
            break
        if state[KNOWN]:
            for side in range(2):
                if marks[IS_CHANGED, side]:
                    _read(book, side)
        _write(book, out, written, moment)
        written += 1
    return begin, written


@compile_for(CHANGES)
def fill_changes(
    rows: Any,
    book: Any,
    out: Any,
    counts: tuple[int, int],
    is_last: bool,  # noqa: FBT001 (compiled code takes no keywords)
) -> tuple[int, int]:  # pragma: no cover (compiled)
    """Write a row for each instant after which the levels differ from the row before.

    Takes and returns `counts` as `fill_moments` does.
    """
    ts, state = rows[0], book[0]
    begin, written = counts
    while True:
        now = state[NOW]
        end = begin
        while end < len(ts) and ts[end] <= now:
            end += 1
        if end > begin:
            _apply(rows, book, begin, end)
            begin = end
            state[IS_OPEN] = 1
        if begin == len(ts) and not is_last:
            break
        if state[IS_OPEN]:
            if written == len(out[0]):
                break
            if _look(book):
                _write(book, out, written, now)
                state[WAS_KNOWN] = state[KNOWN]
                written += 1
            state[IS_OPEN] = 0
        if begin == len(ts):
            break
        state[NOW] = ts[begin]
    return begin, written
