"""Reads a day of one market for every target."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import chain, pairwise
from typing import Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from booktape.answers.reading import Reading
from booktape.answers.trades import LATE_US, read_trades
from booktape.books.coverage import find_coverage
from booktape.books.stitch import Leg, find_legs
from booktape.books.stitched import read_leg_rows
from booktape.errors import NotExported, TapeError
from booktape.export.changes import Item, find_moment, read_changes
from booktape.export.measure import Measure
from booktape.keys import day_of
from booktape.times import DAY_US, SECOND_US

LIVE_US: Final = 5 * SECOND_US  # a later trade came in a list: nobody knew it in time
_AHEAD_US: Final = 60 * SECOND_US  # the exchange's clock may be ahead of ours by as much
_INT64: Final = pa.int64()
_ORDER: Final = [(name, "ascending") for name in ("ts_recv", "ts", "event_number")]

Part = TypeVar("Part")


class Day:
    """A past UTC day of one market; it remembers rows that it needs twice."""

    def __init__(
        self,
        reading: Reading,
        market: str,
        date: str,
        *,
        progress: Callable[[float], None] = lambda _share: None,
    ) -> None:
        """Raise `TapeError` for a day that is not over, or has nothing of the market.

        Each pass over the day calls `progress` again and again with the share that it has read.
        """
        self.market = reading.parse_market(market)
        self.date = date
        self.start = day_of(date) * DAY_US
        self.end = self.start + DAY_US
        self._reading = reading
        self._progress = progress
        _check_over(reading, self.market.exchange, date)

    @property
    def name(self) -> str:
        """Return the name of the day's files, without a suffix."""
        return f"{self.market.exchange}_{self.market.symbol}_{self.date}"

    @property
    def reading(self) -> Reading:
        """Return the reading of the tape."""
        return self._reading

    def read_changes(self) -> Iterator[Item]:
        """Yield the book of the day."""
        return self.follow(read_changes(self.market, self.start, self.end), find_moment)

    def follow(self, parts: Iterable[Part], find_ts: Callable[[Part], int]) -> Iterator[Part]:
        """Yield the same parts of the day; report progress by the last moment of each."""
        for part in parts:
            yield part
            self._progress((find_ts(part) - self.start) / DAY_US)

    @cached_property
    def seen(self) -> dict[str, Measure]:
        """Return the measures of all prices and of all sizes, trades included."""
        found = {column: Measure() for column in ("price", "size")}
        legs = find_legs(self.market, self.start, self.end)
        columns = ("ts_recv", "event_number", "side", *found)
        tables = [self.trades] if self.trades.num_rows else []
        book = (
            rows
            for leg in legs
            if isinstance(leg, Leg)
            for rows in read_leg_rows(self.market, leg, columns)
        )
        for rows in chain(tables, book):
            for column, measure in found.items():
                measure.add(rows[column].combine_chunks())
        return found

    def need_book(self) -> None:
        """Raise `NotExported` if the book is never known on the day."""
        if not self.known:
            raise NotExported(f"the book of {self.market.name} is not known on {self.date}")

    @cached_property
    def known(self) -> list[tuple[int, int]]:
        """Return the times when the book is known, in order, without overlaps."""
        found = find_coverage(self.market, self.start, self.end)
        return [(each.start, each.end) for each in found if each.is_whole]

    @cached_property
    def trades(self) -> pa.Table:
        """Return the trades received on the day, each once, by receive time."""
        place = self.market.exchange, self.market.symbol
        span = self.start - LATE_US, self.end + _AHEAD_US
        ledger, segments = self._reading.ledger, self._reading.segments
        memory = self._reading.memory_bytes
        parts = []
        for rows in read_trades(ledger, segments, place, *span, memory_bytes=memory):
            received = rows["ts_recv"].cast(_INT64)
            is_inside = pc.and_(pc.greater_equal(received, self.start), pc.less(received, self.end))
            parts.append(rows.filter(is_inside))
        if not parts:
            return pa.table({"ts": pa.array([], _INT64)})
        return pa.concat_tables(parts).unify_dictionaries().combine_chunks().sort_by(_ORDER)

    @cached_property
    def live_trades(self) -> pa.Table:
        """Return the trades that happened and came while the book was known.

        A trade hidden by an outage comes in a list, later: a replay would take it for a trade of
        that later moment.
        """
        trades = self.trades
        if not trades.num_rows:
            return trades
        received = trades["ts_recv"].cast(_INT64)
        happened = trades["ts"].cast(_INT64)
        is_live = pc.less_equal(pc.subtract(received, happened), LIVE_US)
        is_known = pa.repeat(pa.scalar(value=False), trades.num_rows)
        for start, end in self.known:
            first = start - LIVE_US if start == self.start else start
            is_held = pc.and_(pc.greater_equal(happened, first), pc.less(received, end))
            is_held = pc.and_(is_held, pc.greater_equal(received, start))
            is_known = pc.or_(is_known, is_held)
        return trades.filter(pc.and_(is_live, is_known))

    @cached_property
    def latency_us(self) -> int | None:
        """Return the median delay of live trades; None if no trade shows one."""
        trades = self.live_trades
        if not trades.num_rows:
            return None
        timed = trades.filter(pc.is_valid(trades["ts_event"]))
        late = pc.subtract(timed["ts_recv"].cast(_INT64), timed["ts_event"].cast(_INT64))
        found = pc.quantile(late, 0.5, interpolation="lower")[0].as_py()
        return None if found is None else max(found, 0)

    def find_gaps(self) -> list[tuple[int, int]]:
        """Return the times between the known times of the book."""
        return [(before[1], after[0]) for before, after in pairwise(self.known)]


def find_last(batch: pa.RecordBatch) -> int:
    """Return the last moment of a batch of best levels."""
    ts: int = batch["ts"].cast(_INT64)[-1].as_py() if len(batch) else 0
    return ts


def _check_over(reading: Reading, exchange: str, date: str) -> None:
    """Raise `TapeError` if a session may still record rows of the day."""
    dates = reading.ledger.dates(exchange)
    if date not in dates:
        raise TapeError(f"{exchange} has nothing of {date}: it has {dates[0]} to {dates[-1]}")
    start = day_of(date) * DAY_US
    names = reading.ledger.sessions(exchange, date)
    for session in reading.sessions.find(exchange, start, start + DAY_US):
        if session.session not in names:
            continue
        is_later = any(key.date > date for key in session.keys)
        if not is_later and session.find_end_row() is None:
            raise TapeError(f"{date} is not over: {session.session} may record more of it")
