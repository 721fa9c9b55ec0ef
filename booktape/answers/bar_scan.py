"""Makes a scan of bars of one market, and finds the times when trades may be missing."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from booktape.answers.bars import SCHEMA, Interval, Life, TradeGap, find_losses, make_bars
from booktape.answers.reading import Range, Reading
from booktape.answers.trades import LATE_US, read_trades
from booktape.books.market import Market
from booktape.books.recorded import Recorded
from booktape.errors import UNDECODABLE
from booktape.scan import Recipe, Scan

_COLUMNS: Final = ("ts_recv", "event_number", "symbol", "kind", "detail")
_INT64: Final = pa.int64()


class _Ids(Struct):
    """The detail of a gap in trades: the ids on both sides."""

    channel: str | None = None
    last: str | int | None = None
    first: str | int | None = None


def scan_bars(reading: Reading, market: Market, span: Range, *, every: int) -> Scan:
    """Return the bars that begin in a range, each with its whole interval."""
    first = -(-span[0] // every) * every
    stop = -(-span[1] // every) * every

    def read(_columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        if first >= stop:
            return
        losses = find_bar_losses(reading, market, first, stop)
        trades = _read_trades(reading, market, (first, stop))
        yield from make_bars(trades, *span, every=every, losses=losses)

    wide = first, stop + LATE_US
    entries = partial(reading.find_entries, [market.exchange], wide, ("trades", "feed_events"))
    return Scan(Recipe(f"bars of {market.name}", SCHEMA, entries, read))


def find_bar_losses(reading: Reading, market: Market, start: int, end: int) -> list[Interval]:
    """Return the times when trades may be missing.

    A gap found before the range, or after it, may reach into it. The trades on both sides of the
    gap decide, so this reads the trades of one more day if it found such a gap.
    """
    wide = start - LATE_US, end + LATE_US
    gaps = find_trade_gaps(reading, market, wide)
    trades = _read_trades(reading, market, wide)
    lives = find_lives(reading, market, wide)
    return find_losses(trades, *wide, gaps=gaps, lives=lives)


def find_trade_gaps(reading: Reading, market: Market, span: Range) -> list[TradeGap]:
    """Return the gaps in trades whose rows lie in a range."""
    gaps = []
    for flush in reading.find_flushes([market.exchange], "feed_events", span):
        segment = reading.segments.open(flush, "feed_events")
        for group in segment.groups:
            rows = segment.read(group, _COLUMNS)
            is_gap = pc.and_(
                pc.equal(rows["kind"].cast(pa.string()), "gap"),
                pc.equal(rows["symbol"].cast(pa.string()), market.symbol),
            )
            rows = rows.filter(is_gap)
            times = rows["ts_recv"].cast(_INT64).to_pylist()
            others = (rows[name].to_pylist() for name in ("event_number", "detail"))
            for ts, number, text in zip(times, *others, strict=True):
                ids = _parse(text)
                if ids.channel == "trades" and span[0] <= ts < span[1]:
                    sides = _to_text(ids.last), _to_text(ids.first)
                    gaps.append(TradeGap(flush.session, number, ts, *sides))
    return gaps


def find_lives(reading: Reading, market: Market, span: Range) -> list[Life]:
    """Return the lives of an exchange's sessions, and how far back their lists of trades reach."""
    lives = []
    for session in reading.sessions.find(market.exchange, *span):
        flushes = session.flushes()
        if not flushes:
            continue
        start = min(flush.ts_min() for flush in flushes)
        end = session.find_last_moment()
        lives.append(Life(start, end, _find_reach(reading, market, session, start)))
    return lives


def _read_trades(reading: Reading, market: Market, span: Range) -> Iterator[pa.RecordBatch]:
    place = market.exchange, market.symbol
    for rows in read_trades(
        reading.ledger, reading.segments, place, *span, memory_bytes=reading.memory_bytes
    ):
        yield from rows.combine_chunks().to_batches()


def _find_reach(reading: Reading, market: Market, session: Recorded, start: int) -> int:
    """Return the time of a symbol's oldest trade in the lists that a session received."""
    reach = start
    for flush in session.flushes():
        if "trades" not in flush.tables or flush.ts_min() >= start + LATE_US:
            continue
        segment = reading.segments.open(flush, "trades")
        for _, rows in segment.read_symbol(market.symbol, ("ts_recv", "ts_event", "event_number")):
            received = rows["ts_recv"].cast(_INT64)
            times = pc.coalesce(rows["ts_event"].cast(_INT64), received)
            in_time = times.filter(pc.less_equal(pc.subtract(received, times), LATE_US))
            reach = min(reach, pc.min(in_time).as_py() or reach)
    return reach


def _parse(text: str) -> _Ids:
    try:
        return _decoder.decode(text)
    except UNDECODABLE:
        return _Ids()


def _to_text(number: str | int | None) -> str | None:
    return None if number is None else str(number)


_decoder = msgspec.json.Decoder(_Ids)
