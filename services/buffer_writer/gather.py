"""The columns of many frames as one, and what each frame must be for that.

A frame often has but twenty events, so what is done for each frame matters; no more is checked
here than Arrow cannot check for many frames at once.
"""

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final

from shared.frame import (
    BookColumns,
    FeedEventColumns,
    Frame,
    TickerColumns,
    TradeColumns,
    decode_columns,
)

_FIELDS: Final = {
    "book": BookColumns.__struct_fields__[:-2],  # the last two are the joined texts
    "trades": TradeColumns.__struct_fields__,
    "ticker": TickerColumns.__struct_fields__,
    "feed_events": FeedEventColumns.__struct_fields__,
}


def gather(frames: Sequence[Frame], codes: "Codes") -> dict[str, "Group"]:
    """Return each table's events; raise `ValueError` or `FrameError` where a frame is at fault."""
    groups: dict[str, Group] = {}
    for frame in frames:
        columns = decode_columns(frame)
        frame_codes = list(map(codes.__getitem__, columns.symbols))
        offsets = []
        for name, fields in _FIELDS.items():
            table = getattr(columns, name)
            if table is not None:
                if name not in groups:
                    groups[name] = Group(fields, frame.day)
                groups[name].add(table, frame.first, frame_codes)
                offsets.append(table.offset)
        numbers = offsets[0] if len(offsets) == 1 else sorted(chain(*offsets))
        require(len(numbers) == frame.last - frame.first + 1, "it lacks events of its range")
        require(numbers == list(range(len(numbers))), "its events are not those of its range")
    return groups


class Group:
    """One table's events of several frames.

    Every column is one flat list from the start: of thousands of short ones the garbage collector
    would take its share.
    """

    def __init__(self, fields: Sequence[str], day: int) -> None:
        self.day = day
        self.columns: dict[str, list[Any]] = {field: [] for field in fields}
        self.texts: dict[str, list[str]] = {"price": [], "size": []}  # of a book: one a frame
        self.firsts: list[int] = []  # event number of each frame
        self.ends: list[int] = []  # of each frame, in the columns
        self.codes: list[int] = []  # of the symbols of each frame
        self.code_begins: list[int] = []  # of each frame, in `codes`
        self.code_counts: list[int] = []
        self._get = attrgetter(*fields)

    def add(self, table: Any, first: int, codes: list[int]) -> None:
        """Take the events of one frame."""
        columns = self._get(table)
        require(len(set(map(len, columns))) == 1, "columns of one table differ in length")
        require(table.offset, "a table is there without events")
        for flat, column in zip(self.columns.values(), columns, strict=True):
            flat.extend(column)
        if isinstance(table, BookColumns):
            self.texts["price"].append(table.price)
            self.texts["size"].append(table.size)
        self.firsts.append(first)
        self.ends.append(len(self.columns["offset"]))
        self.code_begins.append(len(self.codes))
        self.code_counts.append(len(codes))
        self.codes += codes


class Codes(dict[str, int]):
    """Gives each symbol that it sees the next number."""

    def __missing__(self, symbol: str) -> int:
        return self.setdefault(symbol, len(self))


def require(statement: object, otherwise: str) -> None:
    """Raise `ValueError` unless the statement holds."""
    if not statement:
        raise ValueError(otherwise)
