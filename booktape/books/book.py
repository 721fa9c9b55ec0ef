"""Rebuilds a book for a reader: at a moment, or at each of its changes."""

import datetime as dt
from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from booktape.books.coverage import UNRECORDED, find_cause
from booktape.books.market import Market
from booktape.books.spans import Piece
from booktape.books.stitch import Leg, find_legs, read_leg
from booktape.errors import NotKnown
from booktape.times import to_datetime, to_text

_COLUMNS: Final = ("ts_recv", "event_number", "epoch", "sequence", "side", "price", "size")
_SIDE: Final = pa.schema(
    [
        pa.field("price", pa.float64(), nullable=False),
        pa.field("size", pa.float64(), nullable=False),
    ]
)
_NO_LEVELS: Final = pa.array([], pa.float64()), pa.array([], pa.float64())


class Book(Struct, frozen=True, kw_only=True):
    """One market's levels at a moment; `ts_recv` is the effective time of the last row up to it."""

    market: str
    ts: dt.datetime
    ts_recv: dt.datetime
    session: str
    epoch: int
    event_number: int
    sequence: int | None
    age_us: int
    bids: pa.Table  # price and size, the best first
    asks: pa.Table


class Gap(Struct, frozen=True):
    """A time in which a book is unknown, with its cause."""

    market: str
    start: dt.datetime
    cause: str
    detail: str | None


class _Row(NamedTuple):
    """One row to apply; `session` is None if the book is unknown from there on."""

    ts: int
    session: str | None = None
    effective: int = 0
    is_begin: bool = False
    event_number: int = 0
    epoch: int = 0
    sequence: int | None = None
    side: str | None = None
    price: float = 0.0
    size: float = 0.0


def find_book(market: Market, ts: int) -> Book:
    """Return the book at a moment; raise `NotKnown` with the gap and its cause."""
    leg = next(find_legs(market, ts, ts + 1))
    if isinstance(leg, Piece):
        gap = find_gap(market, ts)
        since = "" if gap.cause == UNRECORDED else f" since {gap.start.isoformat()}"
        detail = f" {gap.detail}" if gap.detail else ""
        reason = f"{gap.cause}{since}{detail}"
        raise NotKnown(f"{market.name} is not known at {to_text(ts)}: {reason}", gap)
    rows = list(read_leg(leg, market.symbol, _COLUMNS))
    table = pa.concat_tables([part.table for part in rows])
    last = table.slice(table.num_rows - 1).to_pylist()[0]
    effective = rows[-1].ts[-1].as_py()
    return Book(
        market=market.name,
        ts=to_datetime(ts),
        ts_recv=to_datetime(effective),
        session=leg.session.session,
        epoch=last["epoch"],
        event_number=last["event_number"],
        sequence=last["sequence"],
        age_us=ts - effective,
        bids=fold(table, "bid"),
        asks=fold(table, "ask"),
    )


def fold(rows: pa.Table, side: str) -> pa.Table:
    """Return one side's levels after all rows: the last size of each price."""
    columns = (rows[name].combine_chunks() for name in ("side", "price", "size"))
    return pa.Table.from_arrays(fold_columns(*columns, side=side), schema=_SIDE)


def fold_columns(
    names: pa.Array, price: pa.Array, size: pa.Array, *, side: str
) -> tuple[pa.Array, pa.Array]:
    """Return the remaining prices and sizes of one side, the best first."""
    place = pc.index(names.dictionary, side).as_py()
    is_side = pc.fill_null(pc.equal(names.indices, place), fill_value=False)
    rows = pc.indices_nonzero(is_side)[::-1]
    if not len(rows):
        return _NO_LEVELS
    # Not by group_by: loading its module would take longer than all the rest.
    price, size = price.take(rows), size.take(rows)
    # Prices are numbered as they are met: one that was met before is no higher than the highest.
    numbers = price.dictionary_encode().indices
    is_new = pc.greater(numbers[1:], pc.cumulative_max(numbers)[:-1])
    is_last = pa.concat_arrays([pa.array([True]), is_new])
    is_left = pc.and_(is_last, pc.not_equal(size, 0.0))
    price, size = price.filter(is_left), size.filter(is_left)
    order = pc.sort_indices(price, sort_keys=[("", "descending" if side == "bid" else "ascending")])
    return price.take(order), size.take(order)


def find_gap(market: Market, ts: int) -> Gap:
    """Return the gap around a moment."""
    last = find_cause(market, market.find_spans(ts, ts + 1), ts)
    if last is None:
        return Gap(market.name, to_datetime(ts), UNRECORDED, None)
    return Gap(market.name, to_datetime(last.end), last.cause, last.detail)


def replay(market: Market, start: int, end: int) -> Iterator[tuple[dt.datetime, Book | Gap]]:
    """Yield the book at the start, and at each moment at which a level of it changes.

    Yield a gap once the book becomes unknown. Simple and slow.
    """
    levels: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}
    before: dict[str, dict[float, float]] | None = None
    last = None
    for ts, rows in groupby(_find_rows(market, start, end), key=lambda row: max(row.ts, start)):
        is_first = last is None
        for row in rows:
            last = row
            _apply(levels, row)
        assert last is not None
        after = None if last.session is None else {s: dict(v) for s, v in levels.items()}
        if is_first or after != before:
            known = _make_book(market, ts, last, levels) if after else find_gap(market, ts)
            yield to_datetime(ts), known
        before = after


def _find_rows(market: Market, start: int, end: int) -> Iterator[_Row]:
    is_first = True
    for leg in find_legs(market, start, end):
        if isinstance(leg, Piece):
            yield _Row(leg.start)
        else:
            yield from _read_rows(market, leg, since=None if is_first else leg.start)
        is_first = False


def _read_rows(market: Market, leg: Leg, *, since: int | None) -> Iterator[_Row]:
    for part in read_leg(leg, market.symbol, _COLUMNS):
        begins = set(part.begins)
        columns = (part.table[name].to_pylist() for name in _COLUMNS[1:])
        rows = zip(part.ts.to_pylist(), *columns, strict=True)
        for place, (effective, *values) in enumerate(rows):
            ts = effective if since is None else max(effective, since)
            yield _Row(ts, leg.session.session, effective, place in begins, *values)


def _apply(levels: dict[str, dict[float, float]], row: _Row) -> None:
    if row.is_begin or row.session is None:
        levels["bid"].clear()
        levels["ask"].clear()
    if row.side is None:
        return
    if row.size:
        levels[row.side][row.price] = row.size
    else:
        levels[row.side].pop(row.price, None)


def _make_book(market: Market, ts: int, last: _Row, levels: dict[str, dict[float, float]]) -> Book:
    assert last.session is not None
    bids, asks = sorted(levels["bid"].items(), reverse=True), sorted(levels["ask"].items())
    return Book(
        market=market.name,
        ts=to_datetime(ts),
        ts_recv=to_datetime(last.effective),
        session=last.session,
        epoch=last.epoch,
        event_number=last.event_number,
        sequence=last.sequence,
        age_us=ts - last.effective,
        bids=_make_side(bids),
        asks=_make_side(asks),
    )


def _make_side(levels: list[tuple[float, float]]) -> pa.Table:
    prices, sizes = [price for price, _ in levels], [size for _, size in levels]
    return pa.table([prices, sizes], schema=_SIDE)
