"""Writes a day as hftbacktest's array, by the exchange's time and by ours.

https://hftbacktest.readthedocs.io/en/latest/data.html
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from booktape.errors import NotExported
from booktape.export.changes import BookBegin, BookChanges, BookEnd, Item
from booktape.export.crossings import find_uncrossed
from booktape.export.days import Day
from booktape.export.event_order import EXCH_EVENT, EXCH_TS, LOCAL_EVENT, Columns, EventOrder
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
KINDS: Final = 0xFF  # the bits of an event's kind
BUY, SELL = 1 << 29, 1 << 28
FLAGS: Final = EXCH_EVENT | LOCAL_EVENT | BUY | SELL
_SIDES: Final = {"bid": BUY, "ask": SELL, "buy": BUY, "sell": SELL}
_TYPES: Final = (np.uint64, np.int64, np.int64, np.float64, np.float64)  # ev ... qty
_LOCAL_TS: Final = 2
_NULL_TS: Final = np.iinfo(np.int64).min
_NEVER: Final = np.iinfo(np.int64).max


def write(
    day: Day,
    folder: Folder,
    *,
    latency_ms: float | None,
    tick: str | None,
    lot: str | None,
    stored: bool,
) -> dict[str, object]:
    """Write a day; return its facts."""
    day.need_book()
    latency_us = day.latency_us if latency_ms is None else round(latency_ms * US_OF_MS)
    rows = _Rows(day, latency_us)
    name = f"{day.name}.npz"
    count = 0

    def write_rows(path: Path) -> None:
        nonlocal count
        parts = (_make_array(columns) for columns in rows.read())
        count = write_npz(path, "data", DTYPE, parts, is_compressed=not stored)

    folder.write(name, write_rows)
    steps = find_increments(day, tick=tick, lot=lot)
    return {
        "file": name,
        "rows": count,
        "tick_size": steps.tick,
        "tick_from": steps.tick_from,
        "lot_size": steps.lot,
        "lot_from": steps.lot_from,
        "latency_us": latency_us or 0,
        "never_ahead": rows.never_ahead,  # rows whose exchange's clock was ahead of ours
        "known": [list(span) for span in day.known],
    }


class _Rows:
    """A day's book and trades in a backtest's order; times in µs."""

    def __init__(self, day: Day, latency_us: int | None) -> None:
        self.never_ahead = 0
        self._day = day
        self._latency_us = latency_us
        self._happened = _NULL_TS  # the exchange's latest time of the book

    def read(self) -> Iterator[Columns]:
        """Yield columns, in batches of rows."""
        trades = _find_trades(self._day, self._latency_us or 0)
        uncrossed = _find_uncrossed(self._day)
        # The earliest time of each trade and all after it: no row may go before one of these.
        earliest = np.minimum.accumulate(np.append(trades[EXCH_TS], _NEVER)[::-1])
        order = EventOrder()
        for found in _join(map(self._read_depth, self._day.read_changes())):
            # Other changes at the last row's moment leave the same best levels.
            depth, uncrossed = _merge(found, uncrossed, side="right")
            self._place(depth)
            # A trade comes before the depth of its moment: else a fill would count twice.
            rows, trades = _merge(depth, trades, side="left")
            since = min(self._happened, int(earliest[len(trades[EXCH_TS])]))
            yield order.add(rows, since=since)
        yield order.add(trades, since=None)

    def _read_depth(self, item: Item) -> Columns:
        match item:
            case BookBegin(ts, ts_event, _, bids, asks):
                at = _NULL_TS if ts_event is None else ts_event
                sides = (BUY, bids), (SELL, asks)
                columns = [_clear(at, ts)]
                for side, levels in sides:
                    columns.append(_fill(SNAPSHOT | side, at, ts, *map(_to_numpy, levels)))
                return [np.concatenate(parts) for parts in zip(*columns, strict=True)]
            case BookChanges():
                if self._latency_us is None and item.ts_event.null_count:
                    self._refuse()
                at = pc.fill_null(item.ts_event, pa.scalar(_NULL_TS, pa.int64()))
                events = _flag(item.side) | np.uint64(DEPTH)
                values = (_to_numpy(each) for each in (at, item.ts, item.price, item.size))
                return [events, *values]
            case BookEnd(ts):
                return _clear(_NULL_TS, ts)

    def _place(self, depth: Columns) -> None:
        """Fill in unknown exchange times, and make the times follow the book's order.

        If the exchange's clock is ahead of ours, use our receive time. A book's changes follow each
        other by their sequences, whatever their times are.
        """
        happened, received = depth[EXCH_TS], depth[_LOCAL_TS]
        happened = np.where(happened == _NULL_TS, received - (self._latency_us or 0), happened)
        self.never_ahead += int((happened > received).sum())
        happened = np.minimum(happened, received)
        happened[0] = max(happened[0], self._happened)
        depth[EXCH_TS] = np.maximum.accumulate(happened)
        self._happened = int(depth[EXCH_TS][-1])

    def _refuse(self) -> None:
        market = self._day.market
        raise NotExported(
            f"{market.exchange} sends no time with its books, and no trade of {market.symbol} "
            f"on {self._day.date} shows how late they come: give --latency-ms"
        )


def _join(parts: Iterable[Columns]) -> Iterator[Columns]:
    """Yield the same rows in larger batches."""
    held: list[Columns] = []
    count = 0
    for part in parts:
        held.append(part)
        count += len(part[0])
        if count >= ROWS_AT_ONCE:
            yield [np.concatenate(column) for column in zip(*held, strict=True)]
            held, count = [], 0
    if held:
        yield [np.concatenate(column) for column in zip(*held, strict=True)]


def _merge(
    rows: Columns, others: Columns, *, side: Literal["left", "right"]
) -> tuple[Columns, Columns]:
    """Return rows merged with the others up to the last row's moment, and the remaining others.

    At one moment the others come first (left) or last (right).
    """
    received, theirs = rows[_LOCAL_TS], others[_LOCAL_TS]
    count = int(np.searchsorted(theirs, received[-1], side="right"))
    if not count:
        return rows, others
    places = np.searchsorted(received, theirs[:count], side=side)
    merged = [
        np.insert(column, places, other[:count]) for column, other in zip(rows, others, strict=True)
    ]
    return merged, [other[count:] for other in others]


def _find_uncrossed(day: Day) -> Columns:
    """Return the best levels after each crossing of the book."""
    rows = [
        (DEPTH | side, _NULL_TS, moment.ts, *level)
        for moment in find_uncrossed(day)
        for side, level in ((BUY, moment.bid), (SELL, moment.ask))
        if level is not None
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(_TYPES)
    return [np.array(column, kind) for column, kind in zip(columns, _TYPES, strict=True)]


def _clear(happened: int, received: int) -> Columns:
    """Return the two rows that clear both sides."""
    columns = _fill(CLEAR, happened, received, np.full(2, np.nan), np.zeros(2))
    columns[0] |= np.array([BUY, SELL], np.uint64)
    return columns


def _fill(event: int, happened: int, received: int, price: Any, size: Any) -> Columns:
    """Return rows of one moment."""
    same = (event, happened, received)
    filled = [np.full(len(price), value, kind) for value, kind in zip(same, _TYPES, strict=False)]
    return [*filled, price, size]


def _find_trades(day: Day, latency_us: int) -> Columns:
    trades = day.live_trades
    if not trades.num_rows:
        return [np.array([], kind) for kind in _TYPES]
    received = _to_numpy(trades["ts_recv"].cast(pa.int64()).combine_chunks())
    at = pc.fill_null(trades["ts_event"].cast(pa.int64()), pa.scalar(_NULL_TS, pa.int64()))
    happened = _to_numpy(at.combine_chunks())
    happened = np.where(happened == _NULL_TS, received - latency_us, happened)
    events = _flag(trades["side"].combine_chunks()) | np.uint64(TRADE)
    values = (_to_numpy(trades[name].combine_chunks()) for name in ("price", "size"))
    return [events, np.minimum(happened, received), received, *values]


def _flag(names: pa.Array) -> Any:
    """Return the side of each row as a flag; no flag if the side is unknown."""
    flags = pa.array([_SIDES[name] for name in names.dictionary.to_pylist()], pa.uint64())
    return _to_numpy(pc.fill_null(flags.take(names.indices), pa.scalar(0, pa.uint64())))


def _make_array(columns: Columns) -> Any:
    """Return rows as a backtest reads them, with times in ns."""
    events, happened, received, price, size = columns
    rows = np.zeros(len(events), DTYPE)
    rows["ev"], rows["px"], rows["qty"] = events, price, size
    rows["exch_ts"], rows["local_ts"] = happened * NS_OF_US, received * NS_OF_US
    return rows


def _to_numpy(values: pa.Array) -> Any:
    return values.to_numpy(zero_copy_only=False)
