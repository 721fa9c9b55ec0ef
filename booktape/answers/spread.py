"""Computes the spread between two markets: the earnings of buying on one, selling on the other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from booktape.answers.align import align
from booktape.replay.rows import BPS, Batch, level_names, middle

MARKETS: Final = ("a", "b")
RATES: Final = ("fx_a", "fx_b")  # the price of one unit of a common currency in each quote
_VALUES: Final = (
    "fx_mid",
    "fx_sell_b",
    "fx_buy_b",
    "mid_spread_bps",
    *(f"{way}_{name}" for way in ("a_to_b", "b_to_a") for name in ("edge_bps", "size", "profit")),
)
SCHEMA: Final[Any] = pa.schema(
    [
        pa.field("ts", pa.timestamp("us", tz="UTC"), nullable=False),
        *(pa.field(name, pa.float64()) for name in _VALUES),
    ]
)

_BID, _, _ASK, _ = level_names(0)
_NULL: Final = pa.scalar(None, pa.float64())
_FALSE: Final = pa.scalar(False)  # noqa: FBT003 (it is a value)
_NOTHING: Final = (0.0, 0.0)

Level = tuple[float, float]


class Fees(NamedTuple):
    """A taker's fees, as shares (0.0025 is 0.25 %): on both markets, then on both currencies'."""

    a: float
    b: float
    fx_a: float = 0.0
    fx_b: float = 0.0


def spread(tops: Mapping[str, Iterator[Batch]], fees: Fees, *, depth: int) -> Iterator[Batch]:
    """Yield the spread at each instant of any table.

    `tops`: record batches of `top`, `a` and `b` of at least this depth; if the quotes differ also
    `fx_a` and `fx_b`, one currency in the quote of A and in that of B. Sizes are in the base
    currency, profits in the quote of A. If a side of any table is empty or unknown, all values of
    the row are null. The profit ignores the depth of the currencies' books, withdrawals, and the
    time between the exchanges.
    """
    levels = [name for level in range(depth) for name in level_names(level)]
    columns = {name: levels if name in MARKETS else [_BID, _ASK] for name in tops}
    for rows in align(tops, columns):
        yield _compare(rows, [name for name in RATES if name in tops], fees, depth)


def walk(sells: Iterable[Level], buys: Iterable[Level]) -> tuple[float, float]:
    """Return the size that one can buy and sell with a gain, and the gain.

    A level is the proceeds or cost of one unit, and a size; the best comes first.
    """
    selling, buying = iter(sells), iter(buys)
    value, sellable = next(selling, _NOTHING)
    cost, buyable = next(buying, _NOTHING)
    size = profit = 0.0
    while sellable and buyable and value - cost > 0:
        amount = min(sellable, buyable)
        size += amount
        profit += (value - cost) * amount
        sellable -= amount
        buyable -= amount
        if not sellable:
            value, sellable = next(selling, _NOTHING)
        if not buyable:
            cost, buyable = next(buying, _NOTHING)
    return size, profit


def _compare(rows: Batch, rates: Sequence[str], fees: Fees, depth: int) -> Batch:
    is_known = pa.array([True] * len(rows))
    for name in (*MARKETS, *rates):
        for column in (_BID, _ASK):
            is_known = pc.and_(is_known, pc.is_valid(rows[f"{name}_{column}"]))
    fx_mid, sell_b, buy_b = _rates(rows, rates, fees)
    mids = {name: middle(rows[f"{name}_{_BID}"], rows[f"{name}_{_ASK}"]) for name in MARKETS}
    values = [
        fx_mid,
        sell_b,
        buy_b,
        _to_bps(pc.divide(mids["b"], fx_mid), mids["a"]),
        *_go(rows, ("a", "b"), (fees.a, fees.b), (None, sell_b), depth),
        *_go(rows, ("b", "a"), (fees.b, fees.a), (buy_b, None), depth),
    ]
    return pa.RecordBatch.from_arrays(
        [rows["ts"], *(pc.if_else(is_known, value, _NULL) for value in values)], schema=SCHEMA
    )


def _rates(rows: Batch, rates: Sequence[str], fees: Fees) -> tuple[Any, Any, Any]:
    """Return rates from B's quote to A's: at the middle, for one unit received, for one unit paid.

    The first is the amount of B's quote that one unit of A's is worth.
    """
    ones = pa.array([1.0] * len(rows))
    best = {
        name: tuple(rows[f"{name}_{column}"] if name in rates else ones for column in (_BID, _ASK))
        for name in RATES
    }
    (bid_a, ask_a), (bid_b, ask_b) = best["fx_a"], best["fx_b"]
    sell_b = pc.divide(pc.multiply(bid_a, 1.0 - fees.fx_a), pc.multiply(ask_b, 1.0 + fees.fx_b))
    buy_b = pc.divide(pc.multiply(ask_a, 1.0 + fees.fx_a), pc.multiply(bid_b, 1.0 - fees.fx_b))
    return pc.divide(middle(bid_b, ask_b), middle(bid_a, ask_a)), sell_b, buy_b


def _go(
    rows: Batch,
    markets: tuple[str, str],
    fees: tuple[float, float],
    rates: tuple[Any, Any],
    depth: int,
) -> tuple[Any, Any, Any]:
    """Return edge, size and profit of buying on the first market and selling on the second."""
    costs = [
        _convert(rows[f"{markets[0]}_{level_names(level)[2]}"], 1.0 + fees[0], rates[0])
        for level in range(depth)
    ]
    values = [
        _convert(rows[f"{markets[1]}_{level_names(level)[0]}"], 1.0 - fees[1], rates[1])
        for level in range(depth)
    ]
    size, profit = [0.0] * len(rows), [0.0] * len(rows)
    # Few rows have a gain: walk only those.
    gains = pc.greater(values[0], costs[0])
    places = pc.indices_nonzero(pc.fill_null(gains, _FALSE))
    ladders = [
        zip(
            zip(*(price.take(places).to_pylist() for price in prices), strict=True),
            zip(
                *(
                    rows[f"{market}_{level_names(level)[column]}"].take(places).to_pylist()
                    for level in range(depth)
                ),
                strict=True,
            ),
            strict=True,
        )
        for market, column, prices in ((markets[1], 1, values), (markets[0], 3, costs))
    ]
    for place, sells, buys in zip(places.to_pylist(), *ladders, strict=True):
        size[place], profit[place] = walk(_levels(*sells), _levels(*buys))
    return _to_bps(values[0], costs[0]), pa.array(size), pa.array(profit)


def _levels(prices: Sequence[float | None], sizes: Sequence[float | None]) -> Iterator[Level]:
    for price, size in zip(prices, sizes, strict=True):
        if price is None or size is None:
            return
        yield price, size


def _convert(price: Any, share: float, rate: Any) -> Any:
    converted = pc.multiply(price, share)
    return converted if rate is None else pc.multiply(converted, rate)


def _to_bps(more: Any, less: Any) -> Any:
    return pc.multiply(pc.subtract(pc.divide(more, less), 1.0), BPS)
