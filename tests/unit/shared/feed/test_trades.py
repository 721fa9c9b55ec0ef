"""Trades, each once, and the gaps between them."""

import msgspec
import pytest
from msgspec.structs import replace

from shared.event import FeedEvent, Trade, TradeList
from shared.exchange import Outage
from shared.feed.trades import (
    LEFT_MAX,
    RECENT_EXPECTING_MAX,
    RECENT_MAX,
    RECENT_MIN,
    RECENT_NS,
    Trades,
)
from tests.support.toys import SECOND, Tape, trade, trades

LOST = 1_790_000_000 * SECOND


class World:
    """The trades of a symbol, and what was recorded."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.trades = Trades(self.tape)

    def live(self, *numbers: int) -> None:
        for number in numbers:
            self.trades.trade(1, "BTC-EUR", trade(number))

    def come(self, *numbers: int, is_cut: bool = True) -> None:
        """Let a list come by itself, as it does after a subscription."""
        outage = self.trades.pop_outage("BTCEUR")
        self.trades.trade_list(2, "BTC-EUR", trades(*numbers, is_cut=is_cut), outage)

    def ids(self) -> list[int]:
        return [int(one.trade_id[1:]) for one in self.tape.events(Trade)]

    def gaps(self) -> list[tuple[str, str | None]]:
        details = [msgspec.json.decode(gap.detail) for gap in self.tape.events(FeedEvent)]
        return [(detail["last"], detail["first"]) for detail in details]


@pytest.fixture
def world() -> World:
    return World()


def test_a_trade_is_recorded_once(world: World) -> None:
    world.live(1, 2, 1, 2, 3)
    assert [1, 2, 3] == world.ids()
    assert (1, "BTC-EUR", trade(1)) == world.tape[0]


def test_ids_of_different_symbols_are_different_trades(world: World) -> None:
    world.live(1)
    world.trades.trade(1, "ETH-EUR", trade(1, "ETHEUR"))
    assert [1, 1] == world.ids()


def test_of_a_list_only_what_is_new_is_recorded(world: World) -> None:
    world.live(2)
    world.come(1, 2, 3, 3)
    assert [2, 1, 3] == world.ids()
    assert [] == world.gaps()


def test_after_an_outage_a_list_that_does_not_reach_the_last_trade_is_a_gap(world: World) -> None:
    world.live(1, 2)
    world.trades.lose_all(LOST)
    world.come(5, 6)
    assert [("t2", "t5")] == world.gaps()
    assert [1, 2, 5, 6] == world.ids()
    gap = world.tape[2]
    assert (2, "BTC-EUR") == gap[:2]
    assert isinstance(gap[2], FeedEvent)
    expected = {
        "channel": "trades",
        "last": "t2",
        "first": "t5",
        "reason": "the list does not reach it",
    }
    assert expected == msgspec.json.decode(gap[2].detail)


def test_a_list_that_reaches_it_is_none_and_one_that_is_not_full_need_not_reach_it(
    world: World,
) -> None:
    world.live(1, 2)
    world.trades.lose("BTCEUR", LOST)
    world.come(2, 3)
    world.trades.lose("BTCEUR", LOST)
    world.come(7, 8, is_cut=False)
    assert [("t3", "t7")] == world.gaps()
    assert [1, 2, 3, 7, 8] == world.ids()


def at(number: int, ts_event: int | None) -> Trade:
    return replace(trade(number), ts_event=ts_event)


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_list_that_begins_before_the_outage_hides_nothing(world: World, *, is_cut: bool) -> None:
    world.trades.trade(1, "BTC-EUR", at(1, LOST - 90_000 * SECOND))
    world.trades.lose_all(LOST)
    outage = world.trades.pop_outage("BTCEUR")
    assert Outage("t1", LOST - 90_000 * SECOND, LOST) == outage
    before, after = at(5, LOST - 11 * SECOND), at(6, LOST + SECOND)
    world.trades.trade_list(2, "BTC-EUR", TradeList("BTCEUR", [before, after], is_cut), outage)
    assert [] == world.gaps()
    assert [1, 5, 6] == world.ids()


@pytest.mark.parametrize(
    "trades",
    [
        TradeList("BTCEUR", [at(5, LOST + 3600 * SECOND)], is_cut=False),
        TradeList("BTCEUR", [at(5, LOST - SECOND)], is_cut=False),  # our clocks may differ
        TradeList("BTCEUR", [at(5, None)], is_cut=False),
        TradeList("BTCEUR", [], is_cut=False),
        TradeList("BTCEUR", [], is_cut=False, ts_from=LOST + 3600 * SECOND),
        TradeList("BTCEUR", [], is_cut=True, ts_from=LOST - 3600 * SECOND),
    ],
)
def test_a_list_that_does_not_surely_hold_the_outage_is_a_gap_though_it_is_not_full(
    world: World, trades: TradeList
) -> None:
    """As after more than 24 hours, of which Bitvavo tells no more."""
    world.live(1)
    world.trades.lose_all(LOST)
    world.trades.trade_list(2, "BTC-EUR", trades, world.trades.pop_outage("BTCEUR"))
    assert [("t1", "t5" if trades.trades else None)] == world.gaps()


def test_a_list_of_nothing_that_surely_holds_the_outage_is_none(world: World) -> None:
    world.live(1)
    world.trades.lose_all(LOST)
    trades = TradeList("BTCEUR", [], is_cut=False, ts_from=LOST - 3600 * SECOND)
    world.trades.trade_list(2, "BTC-EUR", trades, world.trades.pop_outage("BTCEUR"))
    assert [] == world.gaps()


@pytest.mark.parametrize(("age_s", "is_gap"), [(3000, True), (3595, False), (90_000, False)])
def test_a_list_that_lacks_the_trade_it_should_go_back_to_holds_no_outage(
    world: World, age_s: int, *, is_gap: bool
) -> None:
    """It says that it tells of all since an hour before, and does not."""
    world.trades.trade(1, "BTC-EUR", at(1, LOST - age_s * SECOND))
    world.trades.lose_all(LOST)
    later = [at(5, LOST + SECOND)]
    trades = TradeList("BTCEUR", later, is_cut=False, ts_from=LOST - 3600 * SECOND)
    world.trades.trade_list(2, "BTC-EUR", trades, world.trades.pop_outage("BTCEUR"))
    assert ([("t1", "t5")] if is_gap else []) == world.gaps()


def test_a_cut_list_must_reach_what_came_since_as_well(world: World) -> None:
    world.live(1)
    world.trades.lose_all(LOST)
    outage = world.trades.pop_outage("BTCEUR")
    world.live(8, 9)
    world.trades.trade_list(2, "BTC-EUR", trades(1, 2, 3, is_cut=True), outage)
    assert [("t3", "t8")] == world.gaps()
    assert [1, 8, 9, 2, 3] == world.ids()


@pytest.mark.parametrize("numbers", [(1, 2, 8), (1, 2, 8, 9), (1, 8, 9)])
def test_a_cut_list_that_reaches_both_ends_hides_nothing(
    world: World, numbers: tuple[int, ...]
) -> None:
    world.live(1)
    world.trades.lose_all(LOST)
    outage = world.trades.pop_outage("BTCEUR")
    world.live(8, 9)
    world.trades.trade_list(2, "BTC-EUR", trades(*numbers, is_cut=True), outage)
    assert [] == world.gaps()


def test_where_a_list_must_come_first_a_trade_without_it_is_a_gap() -> None:
    tape = Tape()
    recorded = Trades(tape, begin_with_list=True)
    recorded.trade(1, "BTC-EUR", trade(1))
    recorded.lose_all(LOST)
    for number in (5, 6):
        recorded.trade(2, "BTC-EUR", trade(number))
    (gap,) = tape.events(FeedEvent)
    expected = {"channel": "trades", "last": "t1", "first": "t5", "reason": "no list came"}
    assert expected == msgspec.json.decode(gap.detail)
    assert [trade(1), gap, trade(5), trade(6)] == tape.events()


def test_a_cut_list_of_nothing_is_a_gap_before_nobody_knows_what(world: World) -> None:
    world.live(1)
    world.trades.lose_all(LOST)
    world.come()
    assert [("t1", None)] == world.gaps()


def test_a_trade_that_overtakes_the_list_hides_no_gap(world: World) -> None:
    world.live(1)
    world.trades.lose_all(LOST)
    world.live(9)
    world.come(5, 6, 7, 8, 9)
    assert [("t1", "t5")] == world.gaps()
    assert [1, 9, 5, 6, 7, 8] == world.ids()


def test_after_several_outages_the_list_must_reach_the_trade_before_the_first(
    world: World,
) -> None:
    world.live(1)
    world.trades.lose_all(LOST)
    world.live(5)
    world.trades.lose_all(LOST)
    assert Outage("t1", None, LOST) == world.trades.pop_outage("BTCEUR")
    assert world.trades.pop_outage("BTCEUR") is None


def test_without_an_outage_or_a_trade_nothing_has_to_be_reached(world: World) -> None:
    world.trades.lose("BTCEUR", LOST)
    assert world.trades.pop_outage("BTCEUR") is None
    world.live(1)
    assert world.trades.pop_outage("BTCEUR") is None


def test_trades_filled_in_are_not_the_newest(world: World) -> None:
    world.live(1, 9)
    world.trades.trade_list(2, "BTC-EUR", trades(1, 2, 3, 9), Outage("t1", None, LOST))
    world.trades.lose_all(LOST)
    assert Outage("t9", None, LOST) == world.trades.pop_outage("BTCEUR")
    world.trades.trade_list(2, "BTC-EUR", trades(9, 10), Outage("t9", None, LOST))
    world.trades.lose_all(LOST)
    assert Outage("t10", None, LOST) == world.trades.pop_outage("BTCEUR")


def test_a_list_longer_than_the_memory_repeats_no_trade_that_came_before_it(world: World) -> None:
    end = 2 * RECENT_MAX
    world.live(0, end - 2, end - 1)
    world.trades.trade_list(2, "BTC-EUR", trades(*range(end)), Outage("t0", None, LOST))
    assert sorted(world.ids()) == list(range(end))
    world.trades.lose_all(LOST)
    assert Outage(f"t{end - 1}", None, LOST) == world.trades.pop_outage("BTCEUR")


def test_while_a_list_is_on_its_way_more_is_kept(world: World) -> None:
    live = range(1, 3 * RECENT_MAX)
    world.trades.expect("BTCEUR")
    world.live(*live)
    world.trades.trade_list(2, "BTC-EUR", trades(0, *live), None)
    world.trades.settle_list("BTCEUR")
    assert [*live, 0] == world.ids()
    assert len(world.trades._recent["BTCEUR"]) == len(live) + 1
    world.live(10_000)
    assert RECENT_MAX == len(world.trades._recent["BTCEUR"])


def test_no_more_ids_are_kept_than_the_bound(world: World) -> None:
    world.live(*range(2 * RECENT_MAX))
    assert RECENT_MAX == len(world.trades._recent["BTCEUR"])
    world.trades.expect("BTCEUR")
    world.live(*range(2 * RECENT_MAX, 2 * RECENT_EXPECTING_MAX))
    assert RECENT_EXPECTING_MAX == len(world.trades._recent["BTCEUR"])


def test_what_came_before_an_outage_is_kept_until_its_list_came(world: World) -> None:
    numbers = range(3 * RECENT_MIN)
    for number in numbers:
        world.trades.trade(LOST, "BTC-EUR", replace(trade(number), ts_event=LOST))
    world.trades.lose_all(LOST)
    later = LOST + RECENT_NS + 1
    # A trade may come before the subscription stands, and so before the list is asked for.
    world.trades.trade(later, "BTC-EUR", replace(trade(1_000), ts_event=later))
    world.come(*numbers, 1_000, is_cut=False)
    assert [*numbers, 1_000] == world.ids()


def test_of_old_trades_few_ids_are_kept(world: World) -> None:
    for number in range(3 * RECENT_MIN):
        world.trades.trade(LOST, "BTC-EUR", replace(trade(number), ts_event=LOST))
    assert 3 * RECENT_MIN == len(world.trades._recent["BTCEUR"])
    later = LOST + RECENT_NS + 1
    world.trades.trade(later, "BTC-EUR", replace(trade(1_000), ts_event=later))
    assert RECENT_MIN == len(world.trades._recent["BTCEUR"])
    assert "t1000" in world.trades._recent["BTCEUR"]


def test_of_symbols_that_were_left_the_latest_are_remembered(world: World) -> None:
    raw_symbols = [f"S{number}EUR" for number in range(LEFT_MAX + 3)]
    for raw_symbol in [*raw_symbols, "BTCEUR"]:
        world.trades.trade(1, raw_symbol, trade(1, raw_symbol))
        world.trades.lose(raw_symbol, LOST)
    world.trades.expect("S1EUR")  # a list is on its way that would double what it brings
    world.trades.follow(["BTCEUR"])
    forgotten = [raw for raw in raw_symbols if world.trades.pop_outage(raw) is None]
    assert ["S0EUR", "S2EUR"] == forgotten
    world.tape.clear()
    for raw_symbol in ["S0EUR", "S1EUR", "S3EUR", "BTCEUR"]:
        world.trades.trade(2, raw_symbol, trade(1, raw_symbol))
    assert [(2, "S0EUR", trade(1, "S0EUR"))] == world.tape
