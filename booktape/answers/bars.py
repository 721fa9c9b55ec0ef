"""Makes bars of trades; each bar shows whether all its trades are known."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from booktape.replay.rows import ROWS_MAX, Batch

_TIME: Final = pa.timestamp("us", tz="UTC")
SCHEMA: Final[Any] = pa.schema(
    [
        pa.field("ts", _TIME, nullable=False),
        *(pa.field(name, pa.float64()) for name in ("open", "high", "low", "close")),
        *(
            pa.field(name, pa.float64(), nullable=False)
            for name in ("volume", "buy_volume", "quote_volume")
        ),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("ts_known", _TIME),
        pa.field("is_whole", pa.bool_(), nullable=False),
    ]
)
_INT64: Final = pa.int64()

Interval = tuple[int, int]
Trade = tuple[int, int, str | None, float, float]  # ts, ts_recv, side, price, size


class Life(NamedTuple):
    """A session's time, in µs: from `start`, its lowest time, up to `end`, its last row's time.

    If somebody set its clock back, `end` is a time of the new clock, like the exchange's times of
    trades: times that only the old clock reached do not count.
    `reach` is the time of the symbol's oldest trade in any list that the session received, or
    `start` if none reaches further back.
    """

    start: int
    end: int
    reach: int


class TradeGap(NamedTuple):
    """A gap between two lists of trades: the place of its row, and the ids on both sides."""

    session: str
    event_number: int
    ts_recv: int
    last: str | None
    first: str | None


def make_bars(
    trades: Iterable[Batch], start: int, end: int, *, every: int, losses: Sequence[Interval]
) -> Iterator[Batch]:
    """Yield each bar that begins at a multiple of `every` in `[start, end)`, all in µs.

    `trades`: record batches with `ts`, `ts_recv` (timestamps), `side`, `price`, `size`, each trade
    once, in the order of (`ts`, `ts_recv`, `session`, `event_number`); trades outside of the bars
    do not count. A bar has the trades from its `ts` up to the next bar's. `losses`: the times when
    trades may be missing, from `find_losses`: a bar that overlaps one is not whole. `ts_known` is
    the receive time of a bar's last trade. A bar without trades has no prices.
    """
    rows = _rows(trades)
    trade = next(rows, None)
    table: list[tuple[Any, ...]] = []
    pending = _merge(losses)
    loss = next(pending, None)
    for ts in range(-(-start // every) * every, end, every):
        bar = _Bar()
        while trade is not None and trade[0] < ts + every:
            if trade[0] >= ts:
                bar.add(trade)
            trade = next(rows, None)
        while loss is not None and loss[0] < ts and loss[1] <= ts:
            loss = next(pending, None)
        is_whole = loss is None or loss[0] >= ts + every
        table.append((ts, *bar.values(), is_whole))
        if len(table) == ROWS_MAX:
            yield _to_batch(table)
            table = []
    if table:
        yield _to_batch(table)


def find_losses(
    trades: Iterable[Batch],
    start: int,
    end: int,
    *,
    gaps: Sequence[TradeGap],
    lives: Iterable[Life],
) -> list[Interval]:
    """Return the times in `[start, end)` when trades may be missing, in µs.

    These are the time of each trade gap, from the last known trade before it to the first after it;
    and any time without a living session of the exchange that no list covers later. `trades` as for
    `make_bars`, with `trade_id`, `session` and `event_number`; `lives` of all sessions of the
    exchange.
    """
    losses = _find_dead_times(start, end, lives)
    if gaps:
        losses += _find_gap_times(trades, gaps, start, end)
    return sorted(losses)


class _Bar:
    """Adds up one bar's trades, in order."""

    def __init__(self) -> None:
        self.prices: tuple[float, float, float, float] | None = None
        self.volume = self.buy_volume = self.quote_volume = 0.0
        self.count = 0
        self.ts_known: int | None = None

    def add(self, trade: Trade) -> None:
        _, ts_recv, side, price, size = trade
        first, high, low, _ = self.prices or (price, price, price, price)
        self.prices = (first, max(high, price), min(low, price), price)
        self.volume += size
        self.quote_volume += price * size
        if side == "buy":
            self.buy_volume += size
        self.count += 1
        self.ts_known = max(ts_recv, self.ts_known or ts_recv)

    def values(self) -> tuple[Any, ...]:
        """Return all columns between `ts` and `is_whole`."""
        sums = (self.volume, self.buy_volume, self.quote_volume)
        return (*(self.prices or (None,) * 4), *sums, self.count, self.ts_known)


def _merge(losses: Iterable[Interval]) -> Iterator[Interval]:
    """Yield the same times in order, without overlaps."""
    held: Interval | None = None
    for begin, end in sorted(losses):
        if held is not None and begin <= held[1]:
            held = (held[0], max(held[1], end))
            continue
        if held is not None:
            yield held
        held = (begin, end)
    if held is not None:
        yield held


def _find_dead_times(start: int, end: int, lives: Iterable[Life]) -> list[Interval]:
    dead, known = [], start
    for begin, until in sorted((min(life.reach, life.start), life.end) for life in lives):
        if begin >= end:
            break
        if begin > known:
            dead.append((known, begin))
        known = max(known, until)
    if known < end:
        dead.append((known, end))
    return dead


def _find_gap_times(
    trades: Iterable[Batch], gaps: Sequence[TradeGap], start: int, end: int
) -> list[Interval]:
    """Return the times between the trades on both sides of each gap.

    If one of these is not among the trades, use the latest trade received before the gap, or the
    first after it.
    """
    ids = {name for gap in gaps for name in (gap.last, gap.first) if name is not None}
    wanted = pa.array(sorted(ids), pa.string())
    found: dict[str, int] = {}
    after = [end] * len(gaps)
    latest: list[int | None] = [None] * len(gaps)
    for batch in trades:
        rows = batch.filter(pc.is_in(batch["trade_id"], wanted))
        ts = batch["ts"].cast(_INT64)
        found.update(zip(rows["trade_id"].to_pylist(), _to_us(rows["ts"]), strict=True))
        for number, gap in enumerate(gaps):
            is_before = _came_before(batch, gap)
            newest = pc.max(ts.filter(is_before)).as_py()
            latest[number] = max(filter(None, (latest[number], newest)), default=None)
            oldest = pc.min(ts.filter(pc.invert(is_before))).as_py()
            after[number] = min(after[number], end if oldest is None else oldest)
    intervals = []
    for number, gap in enumerate(gaps):
        last = found.get(gap.last or "", latest[number])
        first = found.get(gap.first or "", after[number])
        begin = start if last is None else last
        intervals.append((begin, max(begin, first)))
    return intervals


def _came_before(trades: Batch, gap: TradeGap) -> Any:
    """Return which trades came before a gap's row; within its session compare event numbers.

    After a step back of the clock, the later of two rows has the lower time.
    """
    return pc.if_else(
        pc.equal(trades["session"].cast(pa.string()), gap.session),
        pc.less(trades["event_number"], gap.event_number),
        pc.less(trades["ts_recv"].cast(_INT64), gap.ts_recv),
    )


def _rows(trades: Iterable[Batch]) -> Iterator[Trade]:
    for batch in trades:
        yield from zip(
            _to_us(batch["ts"]),
            _to_us(batch["ts_recv"]),
            batch["side"].to_pylist(),
            batch["price"].to_pylist(),
            batch["size"].to_pylist(),
            strict=True,
        )


def _to_us(times: Any) -> list[int]:
    values: list[int] = times.cast(_INT64).to_pylist()
    return values


def _to_batch(table: list[tuple[Any, ...]]) -> Batch:
    columns = zip(*table, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
