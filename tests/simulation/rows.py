"""Events as lines of text: what a plain segment holds, and what the truth is written in."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from services.buffer_writer.segment import Segment
from shared.frame import BookColumns, Columns, Frame, decode_columns

TABLES: Final = ("book", "trades", "ticker", "feed_events")
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
    fields = [field for field in table.__struct_fields__ if field not in _APART]
    if isinstance(table, BookColumns):
        values = [*(getattr(table, field) for field in fields[:-2]), *_split(table)]
    else:
        values = [getattr(table, field) for field in fields]
    symbols = columns.symbols
    return [
        _encode(
            (first + offset, name, None if symbol is None else symbols[symbol], ts_recv, others)
        )
        for offset, symbol, ts_recv, *others in zip(
            table.offset, table.symbol, table.ts_recv, *values, strict=True
        )
    ]


_APART: Final = {"offset", "symbol", "ts_recv"}


def _split(book: BookColumns) -> list[list[list[str]]]:
    """Return the prices, and the sizes, of each event in place of the joined texts."""
    parts = []
    for text in (book.price, book.size):
        lines = text.split("\n")
        assert not lines.pop()
        at, events = 0, []
        for bids, asks in zip(book.bids, book.asks, strict=True):
            rows = max(1, bids + asks)
            events.append(lines[at : at + rows])
            at += rows
        assert at == len(lines)
        parts.append(events)
    return parts


def write_plain(frames: Sequence[Frame], make_path: Callable[[str], Path]) -> dict[str, Segment]:
    """Write and sync a file of lines for each table, as the real one writes Parquet."""
    tables: dict[str, list[bytes]] = {}
    for frame in frames:
        for name, lines in lines_of(frame).items():
            tables.setdefault(name, []).extend(lines)
    return {name: _write(lines, make_path(name)) for name, lines in tables.items()}


def _write(lines: list[bytes], path: Path) -> Segment:
    data = b"\n".join(lines)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    digest = hashlib.sha256(data).hexdigest()
    return Segment(path, len(lines), len(data), digest, len(lines), 0, 0)
