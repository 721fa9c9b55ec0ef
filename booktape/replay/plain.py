"""The plain engine: replays a stream by Arrow and Python alone, with the fast engine's answers."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any, Final

import pyarrow as pa

from booktape.replay.rows import Block
from booktape.replay.stream import BEGIN, BID, END, LEVEL, Batch, Stream

_FORMATS: Final = {pa.int8(): "b", pa.int32(): "i", pa.int64(): "q", pa.float64(): "d"}
_FRESH_MAX: Final = 16  # insert so many keys one by one; sort more with the rest

Column = list[Any]
Row = list[float | None]


class _Side:
    """One side's levels by key, which ascends from the best; a bid's key is its negative price."""

    def __init__(self, depth: int) -> None:
        self.levels: dict[float, float] = {}
        self.keys: list[float] = []  # in order, without those that came since the last look
        self.fresh: list[float] = []
        self.edge = inf  # the key of the last level read: levels behind it change no row
        self.is_changed = False
        self.best: list[float] = []  # the keys and the sizes last read
        self.sizes: list[float] = []
        self._depth = depth

    def clear(self) -> None:
        self.levels.clear()
        self.keys.clear()
        self.fresh.clear()
        self.is_changed = True

    def remove(self, key: float) -> None:
        """Forget a key whose level is gone."""
        place = bisect_left(self.keys, key)
        if place < len(self.keys) and self.keys[place] == key:
            del self.keys[place]
        else:
            self.fresh.remove(key)

    def sort(self) -> list[float]:
        """Return all keys in order."""
        if len(self.fresh) > _FRESH_MAX:
            self.keys += self.fresh
            self.keys.sort()
        else:
            for key in self.fresh:
                insort(self.keys, key)
        self.fresh.clear()
        return self.keys

    def look(self) -> bool:
        """Read the best levels; return whether they differ from the last ones."""
        self.is_changed = False
        best = self.sort()[: self._depth]
        levels = self.levels
        sizes = [levels[key] for key in best]
        self.edge = best[-1] if len(best) == self._depth else inf
        if best == self.best and sizes == self.sizes:
            return False
        self.best, self.sizes = best, sizes
        return True


class _Table:
    """The rows of one block, until it is full."""

    def __init__(self, depth: int) -> None:
        self.ts: list[int] = []
        self.session: list[int | None] = []
        self.event_number: list[int | None] = []
        self.age_us: list[int | None] = []
        self.levels: tuple[list[Row], ...] = ([], [], [], [])
        self.sums: list[Row] = []
        self._depth = depth

    def make_block(self, bands: int) -> Block:
        columns = [list(zip(*rows, strict=True)) for rows in self.levels]
        return Block(
            pa.array(self.ts, pa.int64()),
            pa.array(self.session, pa.int32()),
            pa.array(self.event_number, pa.int64()),
            pa.array(self.age_us, pa.int64()),
            [
                pa.array(column[level], pa.float64(), from_pandas=True)
                for level in range(self._depth)
                for column in columns
            ],
            [
                pa.array([row[number] for row in self.sums], pa.float64(), from_pandas=True)
                for number in range(2 * bands)
            ],
        )


class PlainEngine:
    """Replays one market's stream: keeps the book between two rows, and makes rows of it."""

    def __init__(
        self, stream: Stream, *, depth: int, bands: Sequence[float], rows_max: int
    ) -> None:
        """Start with nothing known; blocks have at most `rows_max` rows."""
        self._batches = stream.batches
        self._depth = depth
        self._bands = bands
        self._rows_max = rows_max
        self._sides = (_Side(depth), _Side(depth))
        self._is_known = False
        self._last: tuple[int, int, int] = (0, 0, 0)  # session, event number, time
        # Prices and sizes of each side, always `depth` long, made anew only if they changed.
        self._unknown: Row = [None] * depth
        self._shown: list[Row] = [self._unknown] * 4
        self._table = _Table(depth)

    def grid(self, start: int, end: int, every: int) -> Iterator[Block]:
        """Yield the book at each multiple of `every` in `[start, end)`."""
        return self._fill_moments(iter(range(-(-start // every) * every, end, every)), end)

    def at(self, moments: Any) -> Iterator[Block]:
        """Yield the book at each moment of an int64 array that never falls."""
        if not len(moments):
            return iter(())
        return self._fill_moments(iter(_to_list(moments)), moments[-1].as_py() + 1)

    def changes(self, start: int, end: int) -> Iterator[Block]:
        """Yield the book at `start` and after each instant before `end` that changes its levels."""
        if start >= end:
            return
        now, is_open, was_known = start, True, None
        for columns in self._columns(end):
            ts, begin = columns[0], 0
            while begin < len(ts):
                if ts[begin] > now:
                    if is_open:
                        is_open = False
                        if self._look() or was_known is not self._is_known:
                            was_known = self._is_known
                            yield from self._write(now)
                    now = ts[begin]
                stop = bisect_right(ts, now, begin)
                self._apply(columns, begin, stop)
                begin, is_open = stop, True
        if is_open and (self._look() or was_known is not self._is_known):
            yield from self._write(now)
        yield from self._flush()

    def _fill_moments(self, moments: Iterator[int], end: int) -> Iterator[Block]:
        moment = next(moments, None)
        for columns in self._columns(end):
            ts, begin = columns[0], 0
            while moment is not None:
                stop = bisect_right(ts, moment, begin)
                if stop > begin:
                    self._apply(columns, begin, stop)
                    begin = stop
                if begin == len(ts):
                    break  # the next batch may go on with this moment
                self._look()
                yield from self._write(moment)
                moment = next(moments, None)
        while moment is not None:
            self._look()
            yield from self._write(moment)
            moment = next(moments, None)
        yield from self._flush()

    def _columns(self, end: int) -> Iterator[tuple[Column, ...]]:
        """Yield the rows before `end`."""
        for batch in self._batches:
            ts = _to_list(batch.ts)
            stop = bisect_left(ts, end)
            is_whole = stop == len(ts)
            rows = batch if is_whole else Batch(*(column[:stop] for column in batch))
            yield tuple(_to_list(column) for column in rows)
            if not is_whole:
                return

    def _apply(self, columns: tuple[Column, ...], begin: int, end: int) -> None:
        _, action, side, price, size, session, event_number, ts_effective = columns
        sides = self._sides
        parts = (action[begin:end], side[begin:end], price[begin:end], size[begin:end])
        for kind, of_side, at, amount in zip(*parts, strict=True):
            if kind == LEVEL:
                of = sides[of_side]
                key = 0.0 - at if of_side == BID else 0.0 + at  # so that no zero has a sign
                if amount:
                    if key not in of.levels:
                        of.fresh.append(key)
                    of.levels[key] = amount
                elif key in of.levels:
                    del of.levels[key]
                    of.remove(key)
                if key <= of.edge:
                    of.is_changed = True
            elif kind == BEGIN:
                self._is_known = True
                for of in sides:
                    of.clear()
            elif kind == END:
                self._is_known = False
        self._last = (session[end - 1], event_number[end - 1], ts_effective[end - 1])

    def _look(self) -> bool:
        """Read the changed sides; return whether the levels differ from those read before."""
        if not self._is_known:
            return False
        differs = False
        for number, side in enumerate(self._sides):
            if side.is_changed and side.look():
                differs = True
                missing = self._unknown[len(side.best) :]
                prices = [0.0 - key for key in side.best] if number == BID else side.best
                self._shown[2 * number] = [*prices, *missing]
                self._shown[2 * number + 1] = [*side.sizes, *missing]
        return differs

    def _write(self, now: int) -> Iterator[Block]:
        """Write the levels read as a row; yield the block if that fills it."""
        table, is_known = self._table, self._is_known
        session, event_number, ts_effective = self._last
        table.ts.append(now)
        table.session.append(session if is_known else None)
        table.event_number.append(event_number if is_known else None)
        table.age_us.append(now - ts_effective if is_known else None)
        for rows, row in zip(table.levels, self._shown, strict=True):
            rows.append(row if is_known else self._unknown)
        if self._bands:
            table.sums.append(self._sum_bands())
        if len(table.ts) == self._rows_max:
            yield from self._flush()

    def _flush(self) -> Iterator[Block]:
        if self._table.ts:
            yield self._table.make_block(len(self._bands))
            self._table = _Table(self._depth)

    def _sum_bands(self) -> Row:
        bids, asks = self._sides
        if not (self._is_known and bids.best and asks.best):
            return [None] * (2 * len(self._bands))
        mid = (asks.best[0] - bids.best[0]) / 2.0
        return [
            total
            for band in self._bands
            for total in (_sum_band(bids, -mid, band, -1.0), _sum_band(asks, mid, band, 1.0))
        ]


def _sum_band(side: _Side, mid: float, band: float, away: float) -> float:
    """Return the sum of a side's sizes with prices within the band, from the best on.

    `mid` has the sign of the side's keys; `away` is the direction of ratios from the best level on.
    """
    total = 0.0
    for key in side.sort() if mid else ():
        distance = (key / mid - 1.0) * away
        if distance > band:
            break
        # In a crossed book, the best price may be beyond the middle by more than the band.
        if distance >= -band:
            total += side.levels[key]
    return total


def _to_list(array: Any) -> Column:
    """Return the values of an array without nulls, faster than Arrow does."""
    view: Any = memoryview(array.buffers()[1])
    values: Column = view.cast(_FORMATS[array.type])[array.offset :][: len(array)].tolist()
    return values
