"""What becomes of a price that comes twice in one event."""

from itertools import product

import pytest

from shared.event import Delta, Snapshot
from shared.feed.prices import has_twice, keep_last


def test_an_event_whose_prices_all_differ_stays_the_same_one() -> None:
    delta = Delta("BTCEUR", [(9.0, 1.0), (8.0, 0.0)], [(9.0, 1.0)], 5)
    assert keep_last(delta) is delta


def test_of_a_price_that_comes_twice_the_last_is_kept() -> None:
    bids = [(9.0, 1.0), (8.0, 2.0), (9.0, 0.0)]
    assert Delta("X", [(9.0, 0.0), (8.0, 2.0)], [], 5) == keep_last(Delta("X", bids, [], 5))
    asks = [(9.0, 0.0), (9.0, 3.0)]
    assert Snapshot("X", [], [(9.0, 3.0)], 5) == keep_last(Snapshot("X", [], asks, 5))


@pytest.mark.parametrize("count", range(7))
def test_of_any_number_of_levels_it_is_known_whether_a_price_comes_twice(count: int) -> None:
    for prices in product((7.0, 8.0, 9.0, 10.0, 11.0), repeat=min(count, 5)):
        levels = [(price, 1.0) for price in (*prices, *range(20, 20 + count - len(prices)))]
        assert has_twice(levels) == (len({price for price, _ in levels}) < count)
