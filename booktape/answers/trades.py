"""Trades of one market, each once, however many sessions and lists had it."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.ledger import Flush, Ledger
from booktape.scan import NAME, TIME
from booktape.segments.segment import Segments
from booktape.times import SECOND_US, date_of_ts

EARLY_US: Final = 60 * SECOND_US  # the exchange's clock may be ahead of ours by as much
LATE_US: Final = 25 * 3600 * SECOND_US  # a list that is read after a day without us
SCHEMA: Final = pa.schema(
    [
        pa.field("ts", TIME, nullable=False),
        pa.field("ts_event", TIME),
        pa.field("ts_recv", TIME, nullable=False),
        pa.field("trade_id", pa.string(), nullable=False),
        pa.field("side", NAME),
        pa.field("price", pa.float64(), nullable=False),
        pa.field("size", pa.float64(), nullable=False),
        pa.field("session", NAME, nullable=False),
        pa.field("event_number", pa.int64(), nullable=False),
    ]
)
_COLUMNS: Final = tuple(name for name in SCHEMA.names if name != "ts")
_INT64: Final = pa.int64()
_ORDER: Final = [(name, "ascending") for name in ("ts_recv", "session", "event_number")]


def find_trade_flushes(ledger: Ledger, exchange: str, start: int, end: int) -> Iterator[Flush]:
    """Yield the flushes that may hold trades of a range."""
    first, last = date_of_ts(start - EARLY_US), date_of_ts(end + LATE_US)
    dates = [date for date in ledger.dates(exchange) if first <= date <= last]
    ledger.list_days(exchange, dates)
    for date in dates:
        yield from (flush for flush in ledger.day(exchange, date) if "trades" in flush.tables)


def read_trades(
    ledger: Ledger, segments: Segments, market: tuple[str, str], start: int, end: int
) -> pa.Table:
    """Return the trades whose time lies from start to end, by time.

    The time is the exchange's, else that of the first row. Of several rows with one id the one
    that was received first counts. One that comes too late belongs to no answer, so that an answer
    does not depend on how far is looked ahead.
    """
    exchange, symbol = market
    parts = [SCHEMA.empty_table().select(list(_COLUMNS))]
    for flush in find_trade_flushes(ledger, exchange, start, end):
        segment = segments.open(flush, "trades")
        for _, rows in segment.read_symbol(symbol, _COLUMNS):
            parts.append(_keep(rows, start, end).cast(parts[0].schema))
    rows = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    rows = _take_first(rows)
    ts = pc.coalesce(rows["ts_event"], rows["ts_recv"])
    rows = rows.add_column(0, SCHEMA.field("ts"), ts)
    micros = ts.cast(_INT64)
    rows = rows.filter(pc.and_(pc.greater_equal(micros, start), pc.less(micros, end)))
    return _sort(rows, [("ts", "ascending"), *_ORDER])


def _keep(rows: pa.Table, start: int, end: int) -> pa.Table:
    """Return the rows that were received in time."""
    received, happened = rows["ts_recv"].cast(_INT64), rows["ts_event"].cast(_INT64)
    is_near = pc.and_(
        pc.greater_equal(received, start - EARLY_US), pc.less(received, end + LATE_US)
    )
    is_late = pc.greater(pc.subtract(received, happened), LATE_US)
    return rows.filter(pc.and_(is_near, pc.invert(pc.fill_null(is_late, fill_value=False))))


def _take_first(rows: pa.Table) -> pa.Table:
    """Return the first row of each trade."""
    rows = _sort(rows, _ORDER)
    numbered = pa.table({"trade_id": rows["trade_id"], "row": pa.arange(0, rows.num_rows)})
    first = numbered.group_by("trade_id", use_threads=False).aggregate([("row", "min")])
    return rows.take(first["row_min"].combine_chunks().sort())


def _sort(rows: pa.Table, order: list[tuple[str, str]]) -> pa.Table:
    """Return the rows in order; names are ordered as text, not as they are numbered."""
    keys = pa.table(
        [
            rows[name].cast(pa.string()) if rows[name].type == NAME else rows[name]
            for name, _ in order
        ],
        names=[name for name, _ in order],
    )
    return rows.take(pc.sort_indices(keys, sort_keys=order))
