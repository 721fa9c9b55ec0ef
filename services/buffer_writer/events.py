"""Frames become Arrow columns with one entry for each event, checked on the way.

There are Python objects of an event for `CHUNK_ROWS` rows of the tape at a time, and never one of
a level: the joined texts of prices and sizes go through Arrow's CSV reader, which rounds correctly.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from pyarrow import csv

from services.buffer_writer.gather import Codes, Group, gather, require
from shared.errors import FrameError
from shared.frame import CHECKPOINT, DAY_NS, DELTA, Frame
from shared.tape import SCHEMAS

CHUNK_ROWS: Final = 32 * 1024
_SIDES: Final = {"buy", "sell", None}
_INT64: Final = pa.int64()
_TIME: Final = SCHEMAS["book"].field("ts_recv").type

_Arrays = dict[str, Any]


class BadFrame(FrameError):
    """Make the caller set this frame aside: it came whole, and yet contradicts itself."""

    def __init__(self, frame: Frame, reason: object) -> None:
        super().__init__(f"frame {frame.first} to {frame.last} of {frame.session}: {reason}")
        self.frame = frame


class Events(Struct):
    """The events of each table as columns, in the order of their numbers.

    `symbol` is an index into `symbols`. A book event says how many `rows` of `levels` are its own,
    how many of these are `bids` (null where it has no levels), and at which they `start`.
    """

    symbols: list[str]
    tables: dict[str, pa.RecordBatch]
    levels: pa.RecordBatch | None


def decode_events(frames: Sequence[Frame]) -> Events:
    """Return the events of frames of one day; raise `BadFrame` for one that contradicts itself."""
    codes = Codes()
    parts: dict[str, list[pa.RecordBatch]] = {}
    for chunk in _chunks(frames):
        for name, arrays in _decode(chunk, codes).items():
            parts.setdefault(name, []).append(pa.record_batch(arrays))
    tables = {name: pa.concat_batches(parts.pop(name)) for name in list(parts)}
    levels = tables.pop("levels", None)
    if levels is not None:  # sorted events will have to find theirs
        rows = tables["book"]["rows"]
        start = pc.subtract(pc.cumulative_sum(rows), rows)
        tables["book"] = tables["book"].append_column("start", start)
    return Events(list(codes), tables, levels)


def _chunks(frames: Sequence[Frame]) -> Iterator[list[Frame]]:
    chunk: list[Frame] = []
    rows = 0
    for frame in frames:
        chunk.append(frame)
        rows += frame.rows
        if rows >= CHUNK_ROWS:
            yield chunk
            chunk, rows = [], 0
    if chunk:
        yield chunk


def _decode(frames: list[Frame], codes: Codes) -> dict[str, _Arrays]:
    """Return the columns of each table; search for the bad frame only when there is one."""
    try:
        groups = gather(frames, codes)
        arrays = {name: _CONVERSIONS[name](group) for name, group in groups.items()}
        if "book" in arrays:
            arrays["levels"] = _convert_levels(groups["book"], arrays["book"])
    except (FrameError, pa.ArrowException, OverflowError, ValueError) as error:
        if len(frames) > 1:
            for frame in frames:
                _decode([frame], codes)
        raise BadFrame(frames[0], error) from None
    return arrays


def _convert_book(group: Group) -> _Arrays:
    kind = _ints(group, "kind", pa.int8())
    _require_range(kind, DELTA, CHECKPOINT, "a book event is of no known kind")
    bids, asks = _ints(group, "bids"), _ints(group, "asks")
    for count in (bids, asks):
        _require_range(count, 0, None, "a book event has fewer than no levels")
    levels = pc.add_checked(bids, asks)
    rows = pc.max_element_wise(levels, 1)
    return {
        **_convert_common(group),
        "ts_event": _in_us(_ints(group, "ts_event")),
        "sequence": _ints(group, "sequence"),
        "epoch": _ints(group, "epoch"),
        "is_snapshot": pc.not_equal(kind, DELTA),
        "is_checkpoint": pc.equal(kind, CHECKPOINT),
        "bids": pc.if_else(pc.equal(levels, 0), None, bids),
        "rows": rows,
    }


def _convert_levels(group: Group, book: _Arrays) -> _Arrays:
    """Return price and size of each row, having checked that each belongs to its event."""
    ends = pc.cumulative_sum(book["rows"])
    frame_ends = ends.take(pc.subtract(pa.array(group.ends), 1))
    empty = pc.subtract(ends.filter(pc.is_null(book["bids"])), 1)
    arrays = {}
    for name, texts in group.texts.items():
        lines = pa.array(accumulate(text.count("\n") for text in texts), _INT64)
        require(lines.equals(frame_ends), f"there is not one {name} for each level")
        numbers = _numbers_of_lines("".join(texts))
        require(len(numbers) == ends[-1].as_py(), f"a {name} holds a line break")
        nulls = numbers.take(empty).null_count
        require(numbers.null_count == nulls == len(empty), f"a level is without {name}")
        arrays[name] = numbers
    return arrays


def _convert_trades(group: Group) -> _Arrays:
    require(_SIDES.issuperset(group.columns["side"]), "a trade is neither buy nor sell")
    return {
        **_convert_common(group),
        "ts_event": _in_us(_ints(group, "ts_event")),
        "trade_id": _texts(group, "trade_id"),
        "side": _texts(group, "side"),
        "price": _numbers(group, "price"),
        "size": _numbers(group, "size"),
    }


def _convert_ticker(group: Group) -> _Arrays:
    prices = ("bid_price", "bid_size", "ask_price", "ask_size", "last_price")
    return {
        **_convert_common(group),
        "ts_event": _in_us(_ints(group, "ts_event")),
        **{name: _numbers(group, name) for name in prices},
    }


def _convert_feed_events(group: Group) -> _Arrays:
    return {
        **_convert_common(group),
        "kind": _texts(group, "kind"),
        "sequence_expected": _ints(group, "sequence_expected"),
        "sequence_received": _ints(group, "sequence_received"),
        "detail": _texts(group, "detail"),
    }


_CONVERSIONS: Final = {
    "book": _convert_book,
    "trades": _convert_trades,
    "ticker": _convert_ticker,
    "feed_events": _convert_feed_events,
}


def _convert_common(group: Group) -> _Arrays:
    ts_recv = _ints(group, "ts_recv")
    midnight = group.day * DAY_NS
    _require_range(ts_recv, midnight, midnight + DAY_NS - 1, "an event is of another day")
    number = pc.add(_ints(group, "offset"), _repeat(group.firsts, group.ends))
    steps = pc.subtract(number[1:], number[:-1])
    _require_range(steps, 1, None, "the events of a table are out of order")
    symbol = _ints(group, "symbol")  # null in feed_events, where it concerns the connection
    beyond = pc.subtract(symbol, _repeat(group.code_counts, group.ends))
    _require_range(symbol, 0, None, "an event has a symbol without a name")
    _require_range(beyond, None, -1, "an event has a symbol without a name")
    place = pc.add(symbol, _repeat(group.code_begins, group.ends))
    return {
        "ts_recv": _in_us(ts_recv),
        "symbol": pa.array(group.codes, pa.int32()).take(place),
        "event_number": number,
    }


def _repeat(values: list[int], ends: list[int]) -> pa.Array:
    """Return what holds for each frame once for each of its events."""
    runs = pa.RunEndEncodedArray.from_arrays(pa.array(ends, _INT64), pa.array(values, _INT64))
    return pc.run_end_decode(runs)


def _require_range(numbers: pa.Array, least: int | None, most: int | None, otherwise: str) -> None:
    found = pc.min_max(numbers)
    if found["min"].is_valid:
        require(least is None or found["min"].as_py() >= least, otherwise)
        require(most is None or found["max"].as_py() <= most, otherwise)


def _ints(group: Group, name: str, type_: pa.DataType = _INT64) -> pa.Array:
    return pa.array(group.columns[name], type_)


def _in_us(times_ns: pa.Array) -> pa.Array:
    return pc.divide(times_ns, 1000).cast(_TIME)


def _texts(group: Group, name: str) -> pa.Array:
    return pa.array(group.columns[name], pa.string())


def _numbers(group: Group, name: str) -> pa.Array:
    return _require_finite(_texts(group, name).cast(pa.float64()))


def _numbers_of_lines(text: str) -> pa.Array:
    table = csv.read_csv(pa.py_buffer(text.encode()), _CSV_READ, _CSV_PARSE, _CSV_CONVERT)
    return _require_finite(table.column(0).combine_chunks())


_CSV_READ: Final = csv.ReadOptions(column_names=["number"], use_threads=False)
_CSV_PARSE: Final = csv.ParseOptions(quote_char=False, ignore_empty_lines=False)
_CSV_CONVERT: Final = csv.ConvertOptions(
    column_types={"number": pa.float64()}, null_values=[""], check_utf8=False
)


def _require_finite(numbers: pa.Array) -> pa.Array:
    """Return the numbers; refuse "inf" and "nan", which Arrow also reads, and what overflows."""
    require(pc.all(pc.is_finite(numbers), min_count=0).as_py(), "a price or size is not finite")
    return numbers
