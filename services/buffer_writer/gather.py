"""Gathers the columns of many frames into one.

A live frame has only twenty events, so the work for each frame matters: all checks that can wait
come later, for many frames at once.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from booktape.keys import TABLES
from shared.delivery.frame import Frame, decode_columns


def gather(frames: Sequence[Frame], codes: "Codes") -> dict[str, "Group"]:
    """Return each table's events; raise `FrameError` if a frame's events are damaged."""
    groups: dict[str, Group] = {}
    for frame in frames:
        columns = decode_columns(frame)
        frame_codes = list(map(codes.__getitem__, columns.symbols))
        for name in TABLES:
            table = getattr(columns, name)
            if table is not None:
                if name not in groups:
                    groups[name] = Group(table, frame.day)
                groups[name].add(table, frame, frame_codes)
    return groups


class Group:
    """One table's events of several frames; each frame's columns are lists or bytes."""

    def __init__(self, table: Struct, day: int) -> None:
        self.fields = table.__struct_fields__
        self.day = day
        self.frames: list[tuple[Any, ...]] = []  # each frame's columns, in the order of `fields`
        # Of each frame: its first number, its count of events in all tables, the place in `codes`
        # where its symbols begin, and their count.
        self.ranges: list[tuple[int, int, int, int]] = []
        self.codes: list[int] = []
        self._columns = attrgetter(*self.fields)

    def add(self, table: Struct, frame: Frame, codes: list[int]) -> None:
        """Add the events of one frame."""
        self.frames.append(self._columns(table))
        count = frame.last - frame.first + 1
        self.ranges.append((frame.first, count, len(self.codes), len(codes)))
        self.codes += codes

    def columns(self) -> dict[str, tuple[Any, ...]]:
        """Return the pieces of each column, one for each frame."""
        return dict(zip(self.fields, zip(*self.frames, strict=True), strict=True))


class Codes(dict[str, int]):
    """Gives each new symbol the next number."""

    def __missing__(self, symbol: str) -> int:
        return self.setdefault(symbol, len(self))
