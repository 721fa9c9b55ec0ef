"""Holds the library against the reference on longer tapes: a made one and a recorded one."""

import pytest

from booktape.sample.tape import write_sample
from tests.support.agreement.books import (
    compare_books,
    compare_changes,
    compare_coverage,
    compare_grid,
    compare_stitched,
    compare_top_at,
)
from tests.support.agreement.pair import Pair, open_pair
from tests.support.agreement.trades import (
    compare_bars,
    compare_quotes,
    compare_spread,
    compare_trades,
)
from tests.support.recorded import record_demo

pytestmark = [pytest.mark.readers, pytest.mark.slow]

INSTANTS = 10_000
BOOKS = 300  # instants at which all levels are compared, beside the edges of spans
SECOND, MINUTE = 1_000_000, 60_000_000
MARKETS = [
    ("bitvavo", "BTC-EUR"),
    ("btcturk", "BTC-TRY"),
    ("bitvavo", "USDT-EUR"),
    ("btcturk", "USDT-TRY"),
]


@pytest.fixture(scope="module", params=["sample", "demo"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sample":
        write_sample(folder / "tape")
        return open_pair(folder / "tape")
    return open_pair(record_demo(folder))


@pytest.fixture
def cut(pair: Pair) -> tuple[int, int]:
    """Return a part of the range, that begins and ends where no span does."""
    start, end = pair.bounds()
    return start + (end - start) // 3, end - (end - start) // 4


def test_what_was_recorded_has_what_is_to_be_read(pair: Pair) -> None:
    causes = {span.cause for span in pair.reference.spans}
    assert {"killed", "gap", "disconnected"} <= causes
    assert {"a", "b"} == {span.line for span in pair.reference.spans}
    assert set(MARKETS) <= set(pair.reference.markets())


def test_on_books_at_the_edges_of_spans_and_at_any_instant(pair: Pair) -> None:
    for market in pair.reference.markets():
        moments = pair.edges(market) + pair.random_instants(market, BOOKS)
        assert [] == compare_books(pair, market, moments)


def test_on_the_best_levels_at_ten_thousand_instants(pair: Pair) -> None:
    for market in pair.reference.markets():
        moments = sorted(pair.edges(market) + pair.random_instants(market, INSTANTS))
        assert [] == compare_top_at(pair, market, moments, depth=10)


def test_on_a_grid(pair: Pair) -> None:
    for market in pair.reference.markets():
        assert [] == compare_grid(pair, market, *pair.bounds(), every=SECOND // 10, depth=25)


@pytest.mark.parametrize("depth", [1, 10])
def test_on_each_change(pair: Pair, cut: tuple[int, int], depth: int) -> None:
    for market in pair.reference.markets():
        assert [] == compare_changes(pair, market, *pair.bounds(), depth)
        assert [] == compare_changes(pair, market, *cut, depth)


def test_on_what_is_known_and_why_not(pair: Pair, cut: tuple[int, int]) -> None:
    for market in pair.reference.markets():
        assert [] == compare_coverage(pair, market, *pair.bounds())
        assert [] == compare_coverage(pair, market, *cut)


def test_on_the_books_that_stitched_rows_make(pair: Pair, cut: tuple[int, int]) -> None:
    for market in pair.reference.markets():
        moments = pair.edges(market) + pair.random_instants(market, BOOKS)
        assert [] == compare_stitched(pair, market, *pair.bounds(), moments)
        assert [] == compare_stitched(pair, market, *cut, moments)


def test_on_trades(pair: Pair, cut: tuple[int, int]) -> None:
    for market in pair.reference.markets():
        assert [] == compare_trades(pair, market, *pair.bounds())
        assert [] == compare_trades(pair, market, *cut)


def test_on_the_quotes_before_trades(pair: Pair) -> None:
    for market in pair.reference.markets():
        assert [] == compare_quotes(pair, market, *pair.bounds())


@pytest.mark.parametrize("every", [MINUTE, 5 * SECOND])
def test_on_bars(pair: Pair, every: int) -> None:
    for market in pair.reference.markets():
        assert [] == compare_bars(pair, market, *pair.bounds(), every)


def test_on_the_spread_of_two_exchanges(pair: Pair) -> None:
    for depth in (1, 20):
        differences = compare_spread(pair, MARKETS, *pair.bounds(), every=SECOND // 2, depth=depth)
        assert [] == differences
