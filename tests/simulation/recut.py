"""Frames cut otherwise than they were written, as an ingest of another release may send them."""

from array import array
from typing import Any

import msgspec
from msgspec import Raw

from booktape.keys import TABLES
from shared.delivery.frame import BOOK_CODES, BookColumns, Columns, Frame, decode_columns


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
    levels: list[float] = []
    previous: list[int] = []
    if isinstance(table, BookColumns):
        levels = array("d", columns.pop("levels")).tolist()
        previous = array("q", columns.pop("previous")).tolist()
        columns = {name: array(code, columns[name]).tolist() for name, code in BOOK_CODES.items()}
    chosen = [at for at, offset in enumerate(columns["offset"]) if begin <= offset < end]
    if not chosen:
        return None, 0
    cut = {name: [column[at] for at in chosen] for name, column in columns.items()}
    cut["offset"] = [offset - begin for offset in cut["offset"]]
    if not isinstance(table, BookColumns):
        return type(table)(**cut), len(chosen)
    counts = [b + a for b, a in zip(columns["bids"], columns["asks"], strict=True)]
    first, last = sum(counts[: chosen[0]]), sum(counts[: chosen[-1] + 1])
    packed = {name: array(code, cut[name]).tobytes() for name, code in BOOK_CODES.items()}
    packed["levels"] = array("d", levels[2 * first : 2 * last]).tobytes()
    if previous:
        packed["previous"] = array("q", [previous[at] for at in chosen]).tobytes()
    return BookColumns(**packed), sum(counts[at] or 1 for at in chosen)
