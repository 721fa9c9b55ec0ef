"""Writes a day as hftbacktest's array, by the exchange's time and by ours.

https://hftbacktest.readthedocs.io/en/latest/data.html
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from booktape.errors import TapeError
from booktape.export.changes import BookBegin, BookChanges, BookEnd, Item
from booktape.export.days import Day
from booktape.export.event_order import BOTH, EXCHANGE, LOCAL, order_rows
from booktape.export.folder import Folder
from booktape.export.increments import find_increments
from booktape.export.npz import write_npz

ROWS_AT_ONCE: Final = 65_536
NS_OF_US: Final = 1_000
US_OF_MS: Final = 1_000
DTYPE: Final = np.dtype(
    [
        ("ev", "<u8"),
        ("exch_ts", "<i8"),
        ("local_ts", "<i8"),
        ("px", "<f8"),
        ("qty", "<f8"),
        ("order_id", "<u8"),
        ("ival", "<i8"),
        ("fval", "<f8"),
    ],
    align=True,
)
DEPTH, TRADE, CLEAR, SNAPSHOT = 1, 2, 3, 4
KINDS: Final = 0xFF  # the bits of an event that are its kind
EXCH_EVENT, LOCAL_EVENT, BUY, SELL = 1 << 31, 1 << 30, 1 << 29, 1 << 28
_FLAGS: Final = {BOTH: EXCH_EVENT | LOCAL_EVENT, LOCAL: LOCAL_EVENT, EXCHANGE: EXCH_EVENT}
_SIDES: Final = {"bid": BUY, "ask": SELL, "buy": BUY, "sell": SELL}
_NULL_TS: Final = np.iinfo(np.int64).min


class _Rows:
    """Columns of rows, by the time at which they are heard of."""

    def __init__(self) -> None:
        self._parts: list[tuple[Any, ...]] = []

    def add(self, *columns: Any) -> None:
        """Add rows: ev, exch_ts, local_ts, px, qty; times in µs, an unknown one the least."""
        self._parts.append(columns)

    def take(self) -> list[Any]:
        """Return all rows, column by column."""
        types = (np.uint64, np.int64, np.int64, np.float64, np.float64)
        columns = list(zip(*self._parts, strict=True)) or [((),)] * len(types)
        self._parts = []
        return [
            np.concatenate([np.asarray(part, kind) for part in column])
            for column, kind in zip(columns, types, strict=True)
        ]


def write(
    day: Day, folder: Folder, *, latency_ms: float | None, tick: str | None, lot: str | None
) -> dict[str, object]:
    """Write a day; return what is to be known of it."""
    depth = _Rows()
    for item in day.read_changes():
        _add_depth(depth, item)
    columns = depth.take()
    if not len(columns[0]):
        raise TapeError(f"the book of {day.market.name} is not known on {day.date}")
    latency_us = _choose_latency(day, columns, latency_ms)
    clamped = _place(columns, latency_us)
    # A trade comes before the depth of its moment: else a fill would be counted twice.
    trades = _find_trades(day, latency_us)
    merged = [np.concatenate(pair) for pair in zip(trades, columns, strict=True)]
    order = np.argsort(merged[2], kind="stable")
    merged = [column[order] for column in merged]
    rows, kinds = order_rows(merged[1], merged[2])
    name = f"{day.name}.npz"
    folder.write(name, lambda path: _write(path, merged, rows, kinds))
    steps = find_increments(day, tick=tick, lot=lot)
    return {
        "file": name,
        "rows": len(rows),
        "tick_size": steps.tick,
        "tick_from": steps.tick_from,
        "lot_size": steps.lot,
        "lot_from": steps.lot_from,
        "latency_us": latency_us,
        "never_ahead": clamped,  # rows whose exchange's clock was ahead of ours
        "known": [list(span) for span in day.known],
    }


def _add_depth(depth: _Rows, item: Item) -> None:
    match item:
        case BookBegin(ts, ts_event, _, bids, asks):
            at = _NULL_TS if ts_event is None else ts_event
            count = 2 + len(bids) + len(asks)
            events = [CLEAR | BUY, CLEAR | SELL]
            events += [SNAPSHOT | BUY] * len(bids) + [SNAPSHOT | SELL] * len(asks)
            prices, sizes = zip(*[(np.nan, 0.0)] * 2, *bids, *asks, strict=True)
            depth.add(events, [at] * count, [ts] * count, prices, sizes)
        case BookChanges():
            at = pc.fill_null(item.ts_event, pa.scalar(_NULL_TS, pa.int64()))
            events = _flag(item.side) | np.uint64(DEPTH)
            depth.add(events, *(_to_numpy(each) for each in (at, item.ts, item.price, item.size)))
        case BookEnd(ts):
            events = [CLEAR | BUY, CLEAR | SELL]
            depth.add(events, [_NULL_TS] * 2, [ts] * 2, [np.nan] * 2, [0.0] * 2)


def _choose_latency(day: Day, columns: list[Any], latency_ms: float | None) -> int:
    if latency_ms is not None:
        return round(latency_ms * US_OF_MS)
    if day.latency_us is not None:
        return day.latency_us
    is_untimed = (columns[0] & np.uint64(KINDS) == DEPTH) & (columns[1] == _NULL_TS)
    if not is_untimed.any():
        return 0
    raise TapeError(
        f"{day.market.exchange} sends no time with its books, and no trade of {day.market.symbol} "
        f"on {day.date} tells how late they come: give --latency-ms"
    )


def _place(columns: list[Any], latency_us: int) -> int:
    """Make up the exchange's times that are unknown, and put them into the book's order.

    Where its clock is ahead of ours a row came at once. BookChanges of a book follow each other by
    their sequences, whatever their times say.
    """
    exchange_ts, local_ts = columns[1], columns[2]
    unknown = exchange_ts == _NULL_TS
    exchange_ts[unknown] = local_ts[unknown] - latency_us
    clamped = int((exchange_ts > local_ts).sum())
    np.minimum(exchange_ts, local_ts, out=exchange_ts)
    np.maximum.accumulate(exchange_ts, out=exchange_ts)
    return clamped


def _find_trades(day: Day, latency_us: int) -> list[Any]:
    trades = day.live_trades
    found = _Rows()
    if trades.num_rows:
        received = _to_numpy(trades["ts_recv"].cast(pa.int64()).combine_chunks())
        at = pc.fill_null(trades["ts_event"].cast(pa.int64()), pa.scalar(_NULL_TS, pa.int64()))
        happened = _to_numpy(at.combine_chunks()).copy()
        unknown = happened == _NULL_TS
        happened[unknown] = received[unknown] - latency_us
        np.minimum(happened, received, out=happened)
        events = _flag(trades["side"].combine_chunks()) | np.uint64(TRADE)
        values = (_to_numpy(trades[name].combine_chunks()) for name in ("price", "size"))
        found.add(events, happened, received, *values)
    return found.take()


def _flag(names: pa.Array) -> Any:
    """Return the side of each row as a flag; none where it is not known."""
    flags = pa.array([_SIDES[name] for name in names.dictionary.to_pylist()], pa.uint64())
    return _to_numpy(pc.fill_null(flags.take(names.indices), pa.scalar(0, pa.uint64())))


def _write(path: Path, columns: list[Any], rows: Any, kinds: Any) -> None:
    write_npz(path, "data", DTYPE, len(rows), _cut(columns, rows, kinds))


def _cut(columns: list[Any], rows: Any, kinds: Any) -> Iterator[Any]:
    flags = np.zeros(len(_FLAGS), np.uint64)
    for kind, flag in _FLAGS.items():
        flags[kind] = flag
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        chosen = rows[begin : begin + ROWS_AT_ONCE]
        part = np.zeros(len(chosen), DTYPE)
        events, exchange_ts, local_ts, price, size = (column[chosen] for column in columns)
        part["ev"] = events | flags[kinds[begin : begin + ROWS_AT_ONCE]]
        part["exch_ts"] = exchange_ts * NS_OF_US
        part["local_ts"] = local_ts * NS_OF_US
        part["px"], part["qty"] = price, size
        yield part


def _to_numpy(values: pa.Array) -> Any:
    return values.to_numpy(zero_copy_only=False)
