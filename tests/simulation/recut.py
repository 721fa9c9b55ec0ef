"""Frames cut otherwise than they were written, as an ingest of another release may send them."""

from array import array
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from shared.frame import BookColumns, Columns, Frame, decode_columns
from tests.simulation.rows import TABLES


def split(frame: Frame, count: int) -> tuple[Frame, Frame]:
    """Return the first `count` events of a frame, and the others; either has at least one."""
    middle = frame.first + count
    assert frame.first < middle <= frame.last
    head, tail = _cut(frame, 0, count), _cut(frame, count, frame.last - frame.first + 1)
    return (
        msgspec.structs.replace(head, last=middle - 1),
        msgspec.structs.replace(tail, first=middle),
    )


def _cut(frame: Frame, begin: int, end: int) -> Frame:
    columns = decode_columns(frame)
    rows = 0
    kept: dict[str, Any] = {}
    for name in TABLES:
        table = getattr(columns, name)
        kept[name] = None
        if table is not None:
            kept[name], count = _cut_table(table, begin, end)
            rows += count
    events = Raw(msgspec.msgpack.encode(Columns(columns.symbols, **kept)))
    return msgspec.structs.replace(frame, rows=rows, events=events)


def _cut_table(table: Any, begin: int, end: int) -> tuple[Any, int]:
    """Return the table's events of these offsets, if there are any, and how many rows they are."""
    columns = {name: getattr(table, name) for name in table.__struct_fields__}
    values = {
        name: array("q", column) if isinstance(column, bytes) else column
        for name, column in columns.items()
    }
    chosen = [at for at, offset in enumerate(values["offset"]) if begin <= offset < end]
    if not chosen:
        return None, 0
    cut = {
        name: [column[at] for at in chosen if not isinstance(column, str)]
        for name, column in values.items()
    }
    rows = len(chosen)
    if isinstance(table, BookColumns):
        lines = [max(1, b + a) for b, a in zip(values["bids"], values["asks"], strict=True)]
        first, rows = sum(lines[: chosen[0]]), sum(lines[at] for at in chosen)
        for name in ("price", "size"):
            cut[name] = columns[name].splitlines(keepends=True)[first : first + rows]
    cut["offset"] = [offset - begin for offset in cut["offset"]]
    return type(table)(**{name: _like(columns[name], cut[name]) for name in cut}), rows


def _like(column: Sequence[Any] | bytes | str, values: list[Any]) -> Any:
    """Return the values as the column has its own."""
    if isinstance(column, str):
        return "".join(values)
    return array("q", values).tobytes() if isinstance(column, bytes) else values
