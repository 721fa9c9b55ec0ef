"""Keeps the levels of a book, for formats that tell an added level from a changed one."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from booktape.export.changes import SIDES, BookBegin, BookChanges, BookEnd, Item


class LevelRow(NamedTuple):
    """One level as it changes; `was` tells whether it was there before."""

    side: str
    price: float
    size: float
    was: bool


class BookMessage(NamedTuple):
    """Changes at one instant. A snapshot is the whole book; a loss leaves no book."""

    ts: int
    ts_event: int | None
    sequence: int | None
    is_snapshot: bool
    is_lost: bool
    rows: list[LevelRow]  # of a snapshot its levels; of a loss those that are gone


class Levels:
    """The levels of a book, changed by what is handed in."""

    def __init__(self) -> None:
        self._there: dict[str, set[float]] = {side: set() for side in SIDES}

    def apply(self, item: Item) -> Iterator[BookMessage]:
        """Yield the messages of an item; the removal of a level that is not there is left out."""
        match item:
            case BookBegin(ts, ts_event, sequence, bids, asks):
                sides = dict(zip(SIDES, (bids, asks), strict=True))
                self._there = {side: set(own[0].to_pylist()) for side, own in sides.items()}
                rows = [
                    LevelRow(side, price, size, was=False)
                    for side, own in sides.items()
                    for price, size in zip(*(column.to_pylist() for column in own), strict=True)
                ]
                yield BookMessage(
                    ts, ts_event, sequence, is_snapshot=True, is_lost=False, rows=rows
                )
            case BookEnd(ts):
                rows = [
                    LevelRow(side, price, 0.0, was=True)
                    for side in SIDES
                    for price in sorted(self._there[side], reverse=side == "bid")
                ]
                self._there = {side: set() for side in SIDES}
                yield BookMessage(ts, None, None, is_snapshot=False, is_lost=True, rows=rows)
            case BookChanges():
                yield from self._change(item)

    def _change(self, changes: BookChanges) -> Iterator[BookMessage]:
        columns = zip(*(column.to_pylist() for column in changes), strict=True)
        for _, grouped in groupby(columns, key=lambda row: (row[0], row[3])):
            found = list(grouped)
            ts, ts_event, sequence = found[0][:3]
            rows = []
            for side, price, size in (row[4:] for row in found):
                there = self._there[side]
                was = price in there
                if size:
                    there.add(price)
                elif was:
                    there.remove(price)
                else:
                    continue
                rows.append(LevelRow(side, price, size, was))
            if rows:
                yield BookMessage(
                    ts, ts_event, sequence, is_snapshot=False, is_lost=False, rows=rows
                )
