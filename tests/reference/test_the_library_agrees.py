"""Holds the library against a reader that was written from the rules alone, tape by tape."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.agreement.books import (
    compare_align,
    compare_books,
    compare_changes,
    compare_coverage,
    compare_grid,
    compare_replay,
    compare_stitched,
    compare_top_at,
)
from tests.support.agreement.pair import Pair, open_pair, rows_of
from tests.support.agreement.trades import (
    compare_bars,
    compare_quotes,
    compare_spread,
    compare_trades,
)
from tests.support.reference.reader import Market
from tests.support.small_tapes import SMALL_TAPES

pytestmark = pytest.mark.filterwarnings("ignore:replaying without the compiled engine")

INSTANTS = 10_000
SECOND, MINUTE = 1_000_000, 60_000_000
SPREAD = [
    ("bitvavo", "BTC-EUR"),
    ("btcturk", "BTC-TRY"),
    ("bitvavo", "USDT-EUR"),
    ("btcturk", "USDT-TRY"),
]


@pytest.fixture(params=SMALL_TAPES)
def pair(request: pytest.FixtureRequest, small_tapes: dict[str, Path]) -> Pair:
    return open_pair(small_tapes[request.param])


def test_on_books_at_any_instant(pair: Pair) -> None:
    for market in pair.reference.markets():
        instants = pair.random_instants(market, 100)
        assert [] == compare_books(pair, market, pair.edges(market) + instants)


@pytest.mark.usefixtures("engine")
def test_on_the_best_levels_at_ten_thousand_instants(pair: Pair) -> None:
    for market in pair.reference.markets():
        instants = pair.random_instants(market, INSTANTS)
        assert [] == compare_top_at(pair, market, instants, depth=3)


@pytest.mark.usefixtures("engine")
def test_on_the_best_levels_at_the_edges_of_spans(pair: Pair) -> None:
    for market in pair.reference.markets():
        assert [] == compare_top_at(pair, market, pair.edges(market), depth=10)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("depth", [1, 3])
def test_on_grids(pair: Pair, depth: int) -> None:
    for market in pair.reference.markets():
        start, end = pair.bounds()
        every = SECOND // 4
        assert [] == compare_grid(pair, market, start, end, every=every, depth=depth)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("depth", [1, 2, 25])
def test_on_each_change(pair: Pair, depth: int) -> None:
    for market in pair.reference.markets():
        for start, end in ranges(pair):
            assert [] == compare_changes(pair, market, start, end, depth)


def test_on_what_is_known_and_why_not(pair: Pair) -> None:
    for market in pair.reference.markets():
        for start, end in ranges(pair):
            assert [] == compare_coverage(pair, market, start, end)


def test_on_replays(pair: Pair) -> None:
    for market in pair.reference.markets():
        assert [] == compare_replay(pair, market, *pair.bounds())


def test_on_the_books_that_stitched_rows_make(pair: Pair) -> None:
    for market in pair.reference.markets():
        moments = pair.edges(market) + pair.random_instants(market, 100)
        for start, end in ranges(pair):
            assert [] == compare_stitched(pair, market, start, end, moments)


def test_on_trades(pair: Pair) -> None:
    for market in pair.reference.markets():
        for start, end in [*ranges(pair), yesterday(pair)]:
            assert [] == compare_trades(pair, market, start, end)


@pytest.mark.usefixtures("engine")
def test_on_the_quotes_before_trades(pair: Pair) -> None:
    for market in pair.reference.markets():
        for start, end in ranges(pair):
            assert [] == compare_quotes(pair, market, start, end)


@pytest.mark.parametrize("every", [MINUTE, 7 * SECOND])
def test_on_bars(pair: Pair, every: int) -> None:
    for market in pair.reference.markets():
        for start, end in ranges(pair):
            assert [] == compare_bars(pair, market, start, end, every)


def test_on_two_markets_side_by_side(small_tapes: dict[str, Path]) -> None:
    pair = open_pair(small_tapes["spread"])
    markets = {"eur": SPREAD[0], "try": SPREAD[1], "usdt": SPREAD[3]}
    assert [] == compare_align(pair, markets, *pair.bounds(), every=SECOND // 2)


def test_on_which_markets_there_are(pair: Pair) -> None:
    rows = rows_of(pair.tape.symbols())
    assert pair.reference.markets() == [(row["exchange"], row["symbol"]) for row in rows]
    assert sorted({exchange for exchange, _ in pair.reference.markets()}) == pair.tape.exchanges()


@pytest.mark.usefixtures("engine")
def test_on_the_spread_of_two_exchanges(small_tapes: dict[str, Path]) -> None:
    pair = open_pair(small_tapes["spread"])
    same: Sequence[Market] = [("bitvavo", "ETH-EUR"), ("btcturk", "ETH-EUR")]
    for markets in (SPREAD, same):
        for depth in (1, 25):
            differences = compare_spread(
                pair, markets, *pair.bounds(), every=SECOND // 2, depth=depth
            )
            assert [] == differences


def ranges(pair: Pair) -> list[tuple[int, int]]:
    """Return the whole range, and parts of it that begin and end at the edges of spans."""
    start, end = pair.bounds()
    edges = [span.end for span in pair.reference.spans] or [start + SECOND]
    middle = sorted(edges)[len(edges) // 2]
    return [(start, end), (start, middle), (middle, end), (middle - 1, middle + 1)]


def yesterday(pair: Pair) -> tuple[int, int]:
    """Return a range in which nothing was received, but trades of which came later."""
    start, _ = pair.bounds()
    return start - 25 * 60 * MINUTE, start - 20 * 60 * MINUTE
