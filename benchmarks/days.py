"""Makes days of one symbol's book for a replay, from a fixed seed.

Friendly: changes are as deep as on a real exchange, about nine levels an event, some hundred levels
a side. Hostile: changes are at the top, which moves with each event.
"""

import random
from typing import Any, Final

import pyarrow as pa
from msgspec import Struct

from booktape.replay.stream import ASK, BEGIN, BID, LEVEL, NO_SIDE, Batch, Stream

DAY_US: Final = 86_400_000_000
START_US: Final = 20_786 * DAY_US  # any midnight
LEVELS: Final = 3_000_000
LEVELS_AN_EVENT: Final = 9
SNAPSHOTS: Final = 24
BATCH_ROWS: Final = 65_536
TICK: Final = 0.5


class Nature(Struct, frozen=True):
    """A day's nature: the distance of changes from the middle, in ticks, and how often it moves."""

    depth_ticks: float
    moves: float


FRIENDLY: Final = Nature(depth_ticks=180.0, moves=0.2)
HOSTILE: Final = Nature(depth_ticks=6.0, moves=1.0)


class Day(Struct):
    """All rows of a day, column by column."""

    ts: list[int] = []
    action: list[int] = []
    side: list[int] = []
    price: list[float] = []
    size: list[float] = []
    event_number: list[int] = []

    def add(self, row: tuple[int, int, int, float, float, int]) -> None:
        """Add one row."""
        columns = (self.ts, self.action, self.side, self.price, self.size, self.event_number)
        for column, value in zip(columns, row, strict=True):
            column.append(value)  # type: ignore[attr-defined]


def make_day(nature: Nature, levels: int = LEVELS) -> Batch:
    """Return a day of that many levels, in one batch."""
    dice = random.Random(7)
    day = Day()
    books: tuple[dict[int, float], dict[int, float]] = ({}, {})
    events = levels // LEVELS_AN_EVENT
    middle = 150_000
    for number in range(events):
        ts = START_US + DAY_US * number // events
        if number % (events // SNAPSHOTS) == 0:
            _write_snapshot(day, ts, 2 * number, books)
        step = dice.choice((-1, 1)) if dice.random() < nature.moves else 0
        middle += step
        # The middle removes each level that it passes.
        changes = {
            (side, middle): 0.0
            for side in ((BID, ASK) if step else ())
            if books[side].pop(middle, None)
        }
        for _ in range(LEVELS_AN_EVENT):
            side = dice.getrandbits(1)
            away = 1 + int(dice.expovariate(1 / nature.depth_ticks))
            at = middle - away if side == BID else middle + away
            if dice.random() < 0.45:
                size = 0.0
                books[side].pop(at, None)
            else:
                size = books[side][at] = dice.randrange(1, 10**8) / 1e6
            changes[side, at] = size
        for (side, at), size in changes.items():
            day.add((ts, LEVEL, side, at * TICK, size, 2 * number + 1))
    return _to_batch(day)


def to_stream(batch: Batch, rows: int = BATCH_ROWS) -> Stream:
    """Return the rows in batches, as a reader gets them."""
    count = len(batch.ts)
    cuts = range(0, count, rows)
    return Stream(
        ["20261129T000000.000000Z-bitvavo-a"],
        iter([Batch(*(column[begin : begin + rows] for column in batch)) for begin in cuts]),
    )


def _write_snapshot(day: Day, ts: int, number: int, books: Any) -> None:
    nothing = float("nan")
    day.add((ts, BEGIN, NO_SIDE, nothing, nothing, number))
    for side in (BID, ASK):
        for at, size in books[side].items():
            day.add((ts, LEVEL, side, at * TICK, size, number))


def _to_batch(day: Day) -> Batch:
    ts = pa.array(day.ts, pa.int64())
    return Batch(
        ts,
        pa.array(day.action, pa.int8()),
        pa.array(day.side, pa.int8()),
        pa.array(day.price, pa.float64()),
        pa.array(day.size, pa.float64()),
        pa.array([0] * len(ts), pa.int32()),
        pa.array(day.event_number, pa.int64()),
        ts,
    )
