"""Events as lines of text: what a plain segment holds, and what the truth is written in."""

import hashlib
import os
from array import array
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import msgspec

from booktape.keys import TABLES
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.segment import WrittenSegment
from shared.delivery.frame import BOOK_CODES, NULL, BookColumns, Columns, Frame, decode_columns

_encode = msgspec.json.Encoder().encode


class Line(msgspec.Struct, array_like=True, frozen=True):
    """One event; `values` are the columns of its table without offset and symbol."""

    number: int
    table: str
    symbol: str | None
    ts_recv: int
    values: list[Any]


decode_line: Final = msgspec.json.Decoder(Line).decode


def lines_of(frame: Frame) -> dict[str, list[bytes]]:
    """Return the lines of each table, in the order of the events."""
    columns = decode_columns(frame)
    return {
        name: _lines(name, table, columns, frame.first)
        for name in TABLES
        if (table := getattr(columns, name)) is not None
    }


def lines_by_number(frame: Frame) -> list[bytes]:
    """Return the line of each event."""
    lines = [line for lines in lines_of(frame).values() for line in lines]
    lines.sort(key=number_of)
    return lines


def number_of(line: bytes) -> int:
    """Return the event number that a line begins with."""
    return int(line[1 : line.index(b",")])


def _lines(name: str, table: Any, columns: Columns, first: int) -> list[bytes]:
    values = {field: getattr(table, field) for field in table.__struct_fields__}
    if isinstance(table, BookColumns):
        values = {name: array(code, values[name]).tolist() for name, code in BOOK_CODES.items()}
        counts = [b + a for b, a in zip(values["bids"], values["asks"], strict=True)]
        values["levels"] = _split(array("d", table.levels).tolist(), counts)
        values["previous"] = array("q", table.previous).tolist() or [NULL] * len(counts)
    symbols = columns.symbols
    return [
        _encode((first + offset, name, None if at is None else symbols[at], ts_recv, others))
        for offset, ts_recv, at, *others in zip(*values.values(), strict=True)
    ]


def _split(numbers: list[float], counts: list[int]) -> list[list[float]]:
    """Return price and size of each level of each event."""
    ends = [2 * end for end in accumulate(counts)]
    assert ends[-1] == len(numbers)
    return [numbers[end - 2 * count : end] for end, count in zip(ends, counts, strict=True)]


def write_plain(run: FrameRun, make_path: Callable[[str], Path]) -> dict[str, WrittenSegment]:
    """Write and sync a file of lines for each table, as the real one writes Parquet."""
    assert run.packed.is_empty
    tables: dict[str, list[bytes]] = {}
    for frame in run.frames:
        for name, lines in lines_of(frame).items():
            tables.setdefault(name, []).extend(lines)
    return {name: _write(lines, make_path(name)) for name, lines in tables.items()}


def _write(lines: list[bytes], path: Path) -> WrittenSegment:
    data = b"\n".join(lines)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    digest = hashlib.sha256(data).hexdigest()
    return WrittenSegment(path, len(lines), len(data), digest, 0, 0, len(lines), 0, 0)
