"""Reads trades of one market, each once, even if many sessions and lists brought it."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.flush import Flush
from booktape.keys import day_of
from booktape.ledger import Ledger
from booktape.scan import NAME, TIME
from booktape.segments.opened import Segments
from booktape.times import DAY_US, SECOND_US, date_of_ts

EARLY_US: Final = 60 * SECOND_US  # the exchange's clock may be ahead of ours by as much
LATE_US: Final = 25 * 3600 * SECOND_US  # a list may come after a day without a recorder
ROW_BYTES: Final = 128  # memory of one trade, id included
HELD_SHARE: Final = 4  # a quarter of the allowed memory: sorting takes rows, keys and a copy
ROWS_AT_ONCE: Final = 65_536  # of new rows, before we look for those in time
TAKEN_DATES: Final = 2  # dates whose ids we remember, for rows without the exchange's time
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
_ROWS: Final = pa.schema([field for field in SCHEMA if field.name != "ts"])
_INT64: Final = pa.int64()
_ORDER: Final = [(name, "ascending") for name in ("ts_recv", "session", "event_number")]


def find_trade_flushes(ledger: Ledger, exchange: str, start: int, end: int) -> Iterator[Flush]:
    """Yield the flushes that may hold trades of a range, by date."""
    first, last = date_of_ts(start - EARLY_US), date_of_ts(end + LATE_US)
    dates = [date for date in ledger.dates(exchange) if first <= date <= last]
    ledger.list_days(exchange, dates)
    for date in dates:
        yield from (flush for flush in ledger.day(exchange, date) if "trades" in flush.tables)


def read_trades(
    ledger: Ledger,
    segments: Segments,
    market: tuple[str, str],
    start: int,
    end: int,
    *,
    memory_bytes: int,
) -> Iterator[pa.Table]:
    """Yield the trades whose time lies from start to end, by time, some at a time.

    The time is the exchange's, else that of the first row. Of several rows with one id, the row
    received first counts. A row more than 25 hours late belongs to no answer, so that an answer
    does not depend on how far this reads ahead.

    Trades are complete after the rows received in the 25 hours after them; until then this holds
    them. If they exceed the memory, it reads the rest as two ranges.
    """
    exchange, symbol = market
    rows_max = memory_bytes // HELD_SHARE // ROW_BYTES
    held = _Held(start, end)
    flushes = find_trade_flushes(ledger, exchange, start, end)
    for date, found in groupby(flushes, key=lambda flush: flush.date):
        for flush in found:
            segment = segments.open(flush, "trades")
            for _, rows in segment.read_symbol(symbol, _COLUMNS):
                held.add(rows)
            if held.is_more_than(rows_max) and end - held.start > SECOND_US:
                middle = (held.start + end) // 2
                for part in ((held.start, middle), (middle, end)):
                    yield from read_trades(
                        ledger, segments, market, *part, memory_bytes=memory_bytes
                    )
                return
        yield from held.take_until((day_of(date) + 1) * DAY_US - LATE_US)
    yield from held.take_until(end)


class _Held:
    """Rows of trades that may not be complete yet."""

    def __init__(self, start: int, end: int) -> None:
        self.start = start  # earlier trades are taken already
        self._end = end
        self._new: list[pa.Table] = []  # rows not yet checked for being in time
        self._new_count = 0
        self._count = 0
        self._rows: list[pa.Table] = []
        self._taken = [pa.array([], pa.string())] * TAKEN_DATES  # ids taken on the last dates

    def add(self, rows: pa.Table) -> None:
        """Hold those of these rows that came in time."""
        self._new.append(rows)
        self._new_count += rows.num_rows
        if self._new_count >= ROWS_AT_ONCE:
            self._look_at_new()

    def is_more_than(self, rows_max: int) -> bool:
        """Return whether it holds more than `rows_max` rows of the range; others do not count."""
        if self._count + self._new_count <= rows_max:
            return False
        self._look_at_new()
        return self._count > rows_max

    def take_until(self, end: int) -> Iterator[pa.Table]:
        """Yield the trades before a moment, which are complete now."""
        end = min(end, self._end)
        self._look_at_new()
        if end <= self.start or not self._rows:
            return
        rows = pa.concat_tables(self._rows).unify_dictionaries().combine_chunks()
        rows = _take_first(rows)
        is_new = pc.invert(pc.is_in(rows["trade_id"], pa.concat_arrays(self._taken)))
        rows = rows.filter(is_new)
        ts = pc.coalesce(rows["ts_event"], rows["ts_recv"])
        micros = ts.cast(_INT64)
        is_before = pc.less(micros, end)
        self._rows = [rows.filter(pc.invert(is_before))]
        rows = rows.add_column(0, SCHEMA.field("ts"), ts)
        is_wanted = pc.and_(pc.greater_equal(micros, self.start), is_before)
        taken = rows.filter(is_wanted)
        self._taken = [*self._taken[1:], taken["trade_id"].combine_chunks()]
        self.start = end
        self._count = self._count_inside(self._rows[0])
        if taken.num_rows:
            yield _sort(taken, [("ts", "ascending"), *_ORDER])

    def _look_at_new(self) -> None:
        """Keep those of the new rows that came in time."""
        if not self._new:
            return
        rows = pa.concat_tables(self._new).unify_dictionaries().combine_chunks()
        self._new, self._new_count = [], 0
        kept = _keep(rows, self.start, self._end).cast(_ROWS)
        if kept.num_rows:
            self._rows.append(kept)
            self._count += self._count_inside(kept)

    def _count_inside(self, rows: pa.Table) -> int:
        ts = pc.coalesce(rows["ts_event"], rows["ts_recv"]).cast(_INT64)
        is_inside = pc.and_(pc.greater_equal(ts, self.start), pc.less(ts, self._end))
        return int(pc.sum(is_inside).as_py() or 0)


def _keep(rows: pa.Table, start: int, end: int) -> pa.Table:
    """Return the rows near a range that came in time and happened before its end."""
    received, happened = rows["ts_recv"].cast(_INT64), rows["ts_event"].cast(_INT64)
    is_near = pc.and_(
        pc.greater_equal(received, start - EARLY_US), pc.less(received, end + LATE_US)
    )
    is_late = pc.greater(pc.subtract(received, happened), LATE_US)
    is_apart = pc.fill_null(pc.or_(is_late, pc.greater_equal(happened, end)), fill_value=False)
    return rows.filter(pc.and_(is_near, pc.invert(is_apart)))


def _take_first(rows: pa.Table) -> pa.Table:
    """Return the first row of each trade."""
    rows = _sort(rows, _ORDER)
    numbered = pa.table({"trade_id": rows["trade_id"], "row": pa.arange(0, rows.num_rows)})
    first = numbered.group_by("trade_id", use_threads=False).aggregate([("row", "min")])
    return rows.take(first["row_min"].combine_chunks().sort())


def _sort(rows: pa.Table, order: list[tuple[str, str]]) -> pa.Table:
    """Return the rows in order; names sort as text, not by their numbers."""
    keys = pa.table(
        [
            rows[name].cast(pa.string()) if rows[name].type == NAME else rows[name]
            for name, _ in order
        ],
        names=[name for name, _ in order],
    )
    return rows.take(pc.sort_indices(keys, sort_keys=order))
