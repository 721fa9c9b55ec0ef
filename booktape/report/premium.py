"""Computes the premium of one market over another through time, and an arbitrage's earnings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from booktape.report.quotes import BOOKS, TICKERS, MarketQuotes, Values

POINTS_MAX: Final = 2000
COLUMNS: Final = ("mid_spread_bps", "a_to_b_edge_bps", "b_to_a_edge_bps")
WAYS: Final = ("a_to_b", "b_to_a")
_SIZES: Final = tuple(f"{way}_{name}" for way in WAYS for name in ("size", "profit"))
_BPS: Final = 1e4


class Way(Struct, frozen=True):
    """The figures of buying on one market and selling on the other, over all known instants."""

    known: int
    winning: int  # instants with a profit
    best_bps: float | None
    best_ts: int | None
    best_size: float  # at that instant, in the base currency; the profit is in the quote of A
    best_profit: float


class Premium(Struct, frozen=True):
    """Rows on a grid, µs, no more than a chart shows; null if a leg is unknown."""

    a: str
    b: str
    via: tuple[str, ...]
    fees: Mapping[str, float]
    source: str
    instants: int
    known: int
    ts: list[int]
    columns: list[Values]
    ways: list[Way]
    mids: tuple[float, float, float] | None = None  # least, median, most

    @property
    def markets(self) -> tuple[str, ...]:
        """Return all markets of the premium."""
        return (self.a, self.b, *self.via)


def read_premium(
    markets: Sequence[str], fees: Mapping[str, float], batches: Iterable[Any]
) -> Premium:
    """Return the rows of `tape.spread`."""
    ts: list[int] = []
    columns: dict[str, Values] = {name: [] for name in (*COLUMNS, *_SIZES)}
    for batch in batches:
        ts += batch.column("ts").cast("int64").to_pylist()
        for name, column in columns.items():
            column.extend(batch.column(name).to_pylist())
    return _make(markets, fees, BOOKS, ts, columns)


def compare_quotes(
    markets: Sequence[str], fees: Mapping[str, float], quotes: Sequence[MarketQuotes]
) -> Premium:
    """Return the premium by quotes of one grid; sizes are those of the best prices alone."""
    columns: dict[str, Values] = {name: [] for name in (*COLUMNS, *_SIZES)}
    rates = [_find_fee(market, fees) for market in markets]
    sides = [quote.columns for quote in quotes]
    for row in range(len(quotes[0].ts)):
        touches = [tuple(side[name][row] for name in ("bid", "ask")) for side in sides]
        sizes = [tuple(side[f"{name}_size"][row] for name in ("bid", "ask")) for side in sides[:2]]
        found = _compare(touches, sizes, rates)
        for name, value in zip(columns, found, strict=True):
            columns[name].append(value)
    return _make(markets, fees, TICKERS, quotes[0].ts, columns)


def _compare(
    touches: Sequence[tuple[float | None, ...]],
    sizes: Sequence[tuple[float | None, ...]],
    rates: Sequence[float],
) -> Sequence[float | None]:
    known = [price for touch in touches for price in touch if price is not None]
    if len(known) < 2 * len(touches) or not all(known):
        return (None,) * (len(COLUMNS) + len(_SIZES))
    bid_a, ask_a, bid_b, ask_b, *money = known
    fee_a, fee_b, *fee_money = rates
    bid_u, ask_u, bid_v, ask_v = money or (1.0,) * 4
    fee_u, fee_v = fee_money or (0.0, 0.0)
    sell_b = bid_u * (1 - fee_u) / (ask_v * (1 + fee_v))
    buy_b = ask_u * (1 + fee_u) / (bid_v * (1 - fee_v))
    fx_mid = (bid_v + ask_v) / (bid_u + ask_u)
    mid = ((bid_b + ask_b) / fx_mid / (bid_a + ask_a) - 1) * _BPS
    ways = []
    for got, paid, offered in (
        (bid_b * (1 - fee_b) * sell_b, ask_a * (1 + fee_a), (sizes[1][0], sizes[0][1])),
        (bid_a * (1 - fee_a), ask_b * (1 + fee_b) * buy_b, (sizes[0][0], sizes[1][1])),
    ):
        size = min(offered[0] or 0.0, offered[1] or 0.0) if got > paid else 0.0
        ways.append(((got / paid - 1) * _BPS, size, size * (got - paid)))
    (edge_a, *sizes_a), (edge_b, *sizes_b) = ways
    return (mid, edge_a, edge_b, *sizes_a, *sizes_b)


def _find_fee(market: str, fees: Mapping[str, float]) -> float:
    return fees.get(market.partition(":")[0], 0.0)


def _make(
    markets: Sequence[str],
    fees: Mapping[str, float],
    source: str,
    ts: list[int],
    columns: Mapping[str, Values],
) -> Premium:
    """Return the premium, from the first known row to the last, plus one row on both sides."""
    drawn = [columns[name] for name in COLUMNS]
    known = [row for row, value in enumerate(drawn[0]) if value is not None]
    mids = sorted(value for value in drawn[0] if value is not None)
    begin, end = (max(known[0] - 1, 0), known[-1] + 2) if known else (0, len(ts))
    kept = [begin + row for row in thin([column[begin:end] for column in drawn])]
    a, b, *via = markets
    return Premium(
        a,
        b,
        tuple(via),
        {market.partition(":")[0]: _find_fee(market, fees) for market in markets},
        source,
        len(ts),
        len(known),
        [ts[row] for row in kept],
        [[column[row] for row in kept] for column in drawn],
        [_add_up(way, ts, columns) for way in WAYS],
        (mids[0], mids[len(mids) // 2], mids[-1]) if mids else None,
    )


def _add_up(way: str, ts: Sequence[int], columns: Mapping[str, Values]) -> Way:
    edges = [
        (value, row) for row, value in enumerate(columns[f"{way}_edge_bps"]) if value is not None
    ]
    if not edges:
        return Way(0, 0, None, None, 0.0, 0.0)
    best, row = max(edges)
    size, profit = (columns[f"{way}_{name}"][row] or 0.0 for name in ("size", "profit"))
    winning = sum(value > 0 for value, _ in edges)
    return Way(len(edges), winning, best, ts[row], size, profit)


def thin(columns: Sequence[Values]) -> list[int]:
    """Return the rows to draw: the least, the most and a null of each stretch and line."""
    count = len(columns[0])
    size = -(-count * (2 * len(columns) + 2) // POINTS_MAX)
    if count <= POINTS_MAX:
        return list(range(count))
    kept = set()
    for begin in range(0, count, size):
        rows = range(begin, min(begin + size, count))
        unknown = [row for row in rows if columns[0][row] is None]
        kept |= {unknown[0], unknown[-1]} if unknown else set()
        for column in columns:
            known = [(value, row) for row in rows if (value := column[row]) is not None]
            kept |= {min(known)[1], max(known)[1]} if known else set()
    return sorted(kept)
