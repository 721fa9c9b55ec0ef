"""Which books are looked at."""

from services.dashboard.markets import find_shown, find_wanted
from shared.process.live_books import SYMBOLS_MAX

MARKETS = {"a": ["X-E", "Y-E", "Z-E"], "b": ["X-T"]}


def test_what_is_configured_is_shown() -> None:
    assert ["b:Q-T"] == find_shown(["b:Q-T"], ["a:Y-E"], MARKETS)


def test_else_two_of_each_exchange_are_shown_those_of_the_spread_first() -> None:
    assert ["a:X-E", "a:Y-E", "b:X-T"] == find_shown([], [], MARKETS)
    assert ["a:Z-E", "a:X-E", "b:X-T"] == find_shown([], ["a:Z-E"], MARKETS)
    assert [] == find_shown([], ["a:Z-E"], {})


def test_what_viewers_want_is_asked_for_once_and_within_bounds() -> None:
    wanted = find_wanted([["a:X-E", "none:X-E"], ["a:Y-E", "a:X-E", "b:X-T"]], ["a", "b", "c"])
    assert {"a": ["X-E", "Y-E"], "b": ["X-T"], "c": []} == wanted
    many = [f"a:S{number}-E" for number in range(20)]
    assert many[:SYMBOLS_MAX] == [f"a:{symbol}" for symbol in find_wanted([many], ["a"])["a"]]
