"""Keeps the levels of a book, for formats that distinguish added levels from changed ones."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from booktape.export.changes import SIDES, BookBegin, BookChanges, BookEnd, Item


class LevelRow(NamedTuple):
    """One changed level, and whether it existed before."""

    side: str
    price: float
    size: float
    was: bool


class BookMessage(NamedTuple):
    """Changes at one instant. A snapshot has the whole book; a loss leaves no book."""

    ts: int
    ts_event: int | None
    sequence: int | None
    is_snapshot: bool
    is_lost: bool
    rows: list[LevelRow]  # a snapshot's levels; a loss's removed levels


class Levels:
    """The levels of a book after the items applied so far."""

    def __init__(self) -> None:
        self._there: dict[str, set[float]] = {side: set() for side in SIDES}

    def apply(self, item: Item) -> Iterator[BookMessage]:
        """Yield the messages of an item, without removals of levels that do not exist."""
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
