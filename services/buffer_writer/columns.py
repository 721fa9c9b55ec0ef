"""Converts the columns of each table to Arrow's, checked on the way."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, Final, get_args

import pyarrow as pa
import pyarrow.compute as pc

from booktape.tables import SCHEMAS
from services.buffer_writer.gather import Group
from shared.delivery.frame import (
    BOOK_CODES,
    CHECKPOINT,
    DAY_NS,
    DELTA,
    LEVEL_BYTES,
    NULL,
    PREVIOUS_CODE,
)
from shared.event import ListingReason, MarketStatus

_SIDES: Final = {"buy", "sell", None}
_STATUSES: Final = set(get_args(MarketStatus))
_REASONS: Final = set(get_args(ListingReason))
_INT64: Final = pa.int64()
_TIME: Final = SCHEMAS["book"].field("ts_recv").type
_PACKED: Final = {"b": pa.int8(), "i": pa.int32(), "q": _INT64}
_NULLS: Final = array(PREVIOUS_CODE, [NULL]).tobytes()

_Arrays = dict[str, Any]


def run_out(values: pa.Array, ends: pa.Array) -> pa.Array:
    """Repeat each value over its run; `ends` has the end of each run."""
    return pc.run_end_decode(pa.RunEndEncodedArray.from_arrays(ends, values))


def _convert_book(group: Group) -> _Arrays:
    pieces = group.columns()
    counts = [len(piece) // array(BOOK_CODES["offset"]).itemsize for piece in pieces["offset"]]
    sizes = {code: [count * array(code).itemsize for count in counts] for code in _PACKED}
    for name, code in BOOK_CODES.items():
        is_whole = list(map(len, pieces[name])) == sizes[code]
        _require(is_whole, "columns of one table differ in length")
    columns = {
        name: _from_bytes(b"".join(pieces[name]), _PACKED[code])
        for name, code in BOOK_CODES.items()
    }
    kind, bids = columns["kind"], columns["bids"]
    _require_range(kind, DELTA, CHECKPOINT, "a book event is of an unknown kind")
    for side in ("bids", "asks"):
        _require_range(columns[side], 0, None, "a book event has a negative number of levels")
    count = pc.add_checked(bids, columns["asks"]).cast(_INT64)
    return {
        **_convert_common(group, columns, counts),
        "ts_event": _in_us(_or_null(columns["ts_event"])),
        "sequence": _or_null(columns["sequence"]),
        "previous": _convert_previous(pieces["previous"], counts),
        "epoch": columns["epoch"],
        "is_snapshot": pc.not_equal(kind, DELTA),
        "is_checkpoint": pc.equal(kind, CHECKPOINT),
        "bids": pc.if_else(pc.equal(count, 0), None, bids),
        "count": count,
        "levels": _convert_levels(pieces["levels"], count, counts),
    }


def _convert_previous(pieces: Sequence[bytes], counts: list[int]) -> pa.Array:
    """Return the sequence that each delta follows; a frame that names none has an empty piece."""
    if not any(pieces):  # always, if an exchange counts by one
        return pa.nulls(sum(counts), _INT64)
    whole = [piece or _NULLS * count for piece, count in zip(pieces, counts, strict=True)]
    is_whole = [len(piece) // len(_NULLS) for piece in whole] == counts
    _require(is_whole, "columns of one table differ in length")
    return _or_null(_from_bytes(b"".join(whole), _INT64))


def _from_bytes(data: bytes, type_: pa.DataType) -> pa.Array:
    count = len(data) // (type_.bit_width // 8)
    return pa.Array.from_buffers(type_, count, [None, pa.py_buffer(data)])


def _or_null(numbers: pa.Array) -> pa.Array:
    if pc.min(numbers).as_py() != NULL:  # nearly always
        return numbers
    return pc.if_else(pc.equal(numbers, NULL), None, numbers)


def _convert_levels(pieces: Sequence[bytes], count: pa.Array, counts: list[int]) -> pa.Array:
    """Return each level's price and size, after a check that each belongs to its event."""
    ends = pc.cumulative_sum(count).take(pc.subtract(pa.array(accumulate(counts), _INT64), 1))
    sizes = pa.array(accumulate(map(len, pieces)), _INT64)
    is_whole = sizes.equals(pc.multiply(ends, LEVEL_BYTES))
    _require(is_whole, "a level lacks its price or its size")
    return _require_finite(_from_bytes(b"".join(pieces), pa.float64()))


def _convert_trades(group: Group) -> _Arrays:
    columns, counts = _flatten(group)
    _require(_SIDES.issuperset(columns["side"]), "a trade is neither buy nor sell")
    return {
        **_convert_common(group, columns, counts),
        "ts_event": _in_us(_ints(columns["ts_event"])),
        "trade_id": _texts(columns["trade_id"]),
        "side": _texts(columns["side"]),
        "price": _numbers(columns["price"]),
        "size": _numbers(columns["size"]),
    }


def _convert_ticker(group: Group) -> _Arrays:
    columns, counts = _flatten(group)
    prices = ("bid_price", "bid_size", "ask_price", "ask_size", "last_price")
    return {
        **_convert_common(group, columns, counts),
        "ts_event": _in_us(_ints(columns["ts_event"])),
        **{name: _numbers(columns[name]) for name in prices},
    }


def _convert_instruments(group: Group) -> _Arrays:
    columns, counts = _flatten(group)
    _require(_STATUSES.issuperset(columns["status"]), "a market is in an unknown status")
    _require(_REASONS.issuperset(columns["reason"]), "an instrument has an unknown reason")
    texts = ("raw_symbol", "base", "quote", "status", "reason", "info")
    decimals = ("price_decimals", "size_decimals")
    numbers = ("price_increment", "size_increment", "min_size", "max_size")
    return {
        **_convert_common(group, columns, counts),
        **{name: _texts(columns[name]) for name in texts},
        **{name: pa.array(columns[name], pa.int32()) for name in decimals},
        **{name: _numbers(columns[name]) for name in (*numbers, "min_notional", "max_notional")},
    }


def _convert_feed_events(group: Group) -> _Arrays:
    columns, counts = _flatten(group)
    return {
        **_convert_common(group, columns, counts),
        "kind": _texts(columns["kind"]),
        "sequence_expected": _ints(columns["sequence_expected"]),
        "sequence_received": _ints(columns["sequence_received"]),
        "detail": _texts(columns["detail"]),
    }


def _flatten(group: Group) -> tuple[dict[str, list[Any]], list[int]]:
    """Return the columns, and the number of events of each frame."""
    pieces = group.columns()
    counts = list(map(len, pieces["offset"]))
    is_whole = all(list(map(len, column)) == counts for column in pieces.values())
    _require(is_whole, "columns of one table differ in length")
    return {name: list(chain(*column)) for name, column in pieces.items()}, counts


def _convert_common(group: Group, columns: _Arrays, counts: list[int]) -> _Arrays:
    """Return the columns that all tables share; `counts`: events of each frame in this table."""
    _require(all(counts), "a table has no events")
    ends = pa.array(accumulate(counts), _INT64)
    first, count, code_begin, code_count = (
        run_out(pa.array(values, _INT64), ends) for values in zip(*group.ranges, strict=True)
    )
    ts_recv = _ints(columns["ts_recv"])
    midnight = group.day * DAY_NS
    _require_range(ts_recv, midnight, midnight + DAY_NS - 1, "an event is of another day")
    offset = _ints(columns["offset"])
    _require_places(offset, count, "an event is not of its frame's range")
    number = pc.add(offset, first)
    steps = pc.subtract(number[1:], number[:-1])
    _require_range(steps, 1, None, "the events of a table are out of order")
    symbol = _ints(columns["symbol"])  # null in feed_events about the connection
    _require_places(symbol, code_count, "an event's symbol has no name")
    place = pc.add(symbol, code_begin)
    return {
        "ts_recv": _in_us(ts_recv),
        "symbol": pa.array(group.codes, pa.int32()).take(place),
        "event_number": number,
    }


def _require_places(places: pa.Array, counts: pa.Array, otherwise: str) -> None:
    """Raise `ValueError` unless each place is an index below its count."""
    _require_range(places, 0, None, otherwise)
    _require_range(pc.subtract(places, counts), None, -1, otherwise)


def _require_range(numbers: pa.Array, least: int | None, most: int | None, otherwise: str) -> None:
    found = pc.min_max(numbers)
    if found["min"].is_valid:
        _require(least is None or found["min"].as_py() >= least, otherwise)
        _require(most is None or found["max"].as_py() <= most, otherwise)


def _require(statement: object, otherwise: str) -> None:
    """Raise `ValueError` unless the statement holds."""
    if not statement:
        raise ValueError(otherwise)


def _ints(column: pa.Array | list[int | None]) -> pa.Array:
    return column.cast(_INT64) if isinstance(column, pa.Array) else pa.array(column, _INT64)


def _in_us(times_ns: pa.Array) -> pa.Array:
    return pc.divide(times_ns, 1000).cast(_TIME)


def _texts(column: list[str | None]) -> pa.Array:
    return pa.array(column, pa.string())


def _numbers(column: list[float | None]) -> pa.Array:
    return _require_finite(pa.array(column, pa.float64()))


def _require_finite(numbers: pa.Array) -> pa.Array:
    """Return the numbers; refuse infinities and NaN, which no exchange can have sent."""
    _require(pc.all(pc.is_finite(numbers), min_count=0).as_py(), "a price or size is not finite")
    return numbers


CONVERSIONS: Final[Mapping[str, Callable[[Group], _Arrays]]] = {
    "book": _convert_book,
    "trades": _convert_trades,
    "ticker": _convert_ticker,
    "instruments": _convert_instruments,
    "feed_events": _convert_feed_events,
}
