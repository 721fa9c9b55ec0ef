import pytest

from services.simulator.bitvavo.listing import list_markets as bitvavo_markets
from services.simulator.book_side import ASK, BID, Side, Step
from services.simulator.market import LEVELS_MIN, TRADES_AT_START, SimulatedMarket

LISTING = bitvavo_markets(1, levels=200)[0]


DEEP = bitvavo_markets(1, levels=2_500)[0]


def follow(market: SimulatedMarket, steps: int) -> bool:
    """Return whether the steps tell of all that happens to a market."""
    told = [dict(side.sizes) for side in market.sides]
    for _ in range(steps):
        step = market.step(10**18)
        for sizes, changes in zip(told, (step.bids, step.asks), strict=True):
            sizes.update(changes)
    for sizes in told:
        for price in [price for price, size in sizes.items() if not size]:
            del sizes[price]
    return told == [side.sizes for side in market.sides]


def test_a_deep_book_has_more_levels_than_are_given_and_reaches_some_per_cent() -> None:
    deep = SimulatedMarket(DEEP, seed=1, ts=10**18)
    assert 2_500 == len(deep.sides[BID].prices)
    assert 0.03 < 1 - deep.bids(1_000)[-1][0] / deep.best_bid[0] < 0.08


def test_a_long_walk_is_told_step_by_step() -> None:
    deep = SimulatedMarket(DEEP, seed=1, ts=10**18)
    before = deep.best_ask[0]
    deep.walk(0.1)
    plain = [deep.is_plain]
    assert follow(deep, 80)
    assert [False, True] == [*plain, deep.is_plain]
    assert 1.09 < deep.best_ask[0] / before < 1.12
    assert deep.best_bid[0] < deep.best_ask[0]


def test_a_crossed_book_changes_all_the_same_until_it_is_crossed_no_more() -> None:
    one = market()
    one.cross()
    assert follow(one, 50)
    assert one.best_bid[0] > one.best_ask[0]
    one.uncross()
    one.uncross()
    assert one.best_bid[0] < one.best_ask[0]
    assert follow(one, 50)


def test_a_level_that_changes_unsaid_is_told_when_all_is_revealed() -> None:
    one = market()
    told = dict(one.sides[BID].sizes), dict(one.sides[ASK].sizes)
    side, price = one.lie()
    assert [(side, price)] == one.hidden
    assert 2 * told[side][price] == one.sides[side].sizes[price]
    step = one.step(10**18)
    assert price not in (step.bids, step.asks)[side]
    one.reveal()
    step = one.step(10**18)
    assert one.sides[side].sizes.get(price, 0) == (step.bids, step.asks)[side][price]


def market(seed: int = 1) -> SimulatedMarket:
    return SimulatedMarket(LISTING, seed=seed, ts=10**18)


def apply(book: dict[int, int], changes: dict[int, int]) -> None:
    for price, size in changes.items():
        if size:
            book[price] = size
        else:
            del book[price]  # a level that goes was there


def test_a_book_never_crosses_and_never_empties() -> None:
    moving = market()
    for ts in range(5_000):
        moving.step(ts)
        assert moving.best_bid[0] < moving.best_ask[0]
        assert min(len(side.prices) for side in moving.sides) >= LEVELS_MIN


def test_the_steps_alone_rebuild_the_book() -> None:
    moving = market()
    bids, asks = dict(moving.bids(10_000)), dict(moving.asks(10_000))
    for ts in range(3_000):
        step = moving.step(ts)
        assert step.bids or step.asks
        apply(bids, step.bids)
        apply(asks, step.asks)
    assert bids == moving.sides[BID].sizes
    assert asks == moving.sides[ASK].sizes


def test_the_same_seed_makes_the_same_market() -> None:
    def walk(seed: int) -> list[Step]:
        moving = market(seed)
        return [moving.step(ts) for ts in range(200)]

    assert walk(7) == walk(7)
    assert walk(7) != walk(8)


def test_events_hold_about_five_levels_of_which_two_go() -> None:
    moving = market()
    changes = [step.bids | step.asks for step in (moving.step(ts) for ts in range(5_000))]
    levels = sum(len(change) for change in changes)
    gone = sum(size == 0 for change in changes for size in change.values())
    assert 4.3 < levels / len(changes) < 5.4
    assert 0.36 < gone / levels < 0.46
    assert max(len(change) for change in changes) > 25


def test_a_book_keeps_about_its_depth() -> None:
    moving = market()
    for ts in range(5_000):
        moving.step(ts)
    assert all(150 <= len(side.prices) <= 210 for side in moving.sides)


def test_levels_are_given_best_first() -> None:
    moving = market()
    bids = [price for price, _ in moving.bids(10)]
    asks = [price for price, _ in moving.asks(10)]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert 10 == len(bids) == len(asks)
    assert moving.best_bid[0] == bids[0]


def test_a_trade_takes_from_the_touch() -> None:
    moving = market()
    traded = 0
    for ts in range(3_000):
        best = {True: moving.best_ask[0], False: moving.best_bid[0]}
        step = moving.step(ts)
        for trade in step.trades[:1]:
            traded += 1
            # The walk may pull the best quote just before; never is a worse side traded.
            assert trade.price >= best[True] if trade.is_buy else trade.price <= best[False]
            assert trade.size > 0
            assert ts == trade.ts
    assert 45 < traded < 150


def test_trades_are_counted_up_and_the_first_lie_in_the_past() -> None:
    moving = market()
    assert TRADES_AT_START == len(moving.trades)
    assert all(trade.ts < 10**18 for trade in moving.trades)
    for _ in range(1_000):
        moving.step(10**18)
    numbers = [trade.number for trade in moving.trades]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_size_of_nothing_is_one_digit_in_either_form() -> None:
    moving = market()
    assert "0" == moving.size_text(0) == moving.size_text(0, is_padded=True)
    assert "0.00100000" == moving.size_text(100_000, is_padded=True)
    assert "75516.00" == moving.price_text(75516, is_padded=True)
    assert "75516" == moving.price_text(75516)


def test_a_level_that_comes_and_goes_in_one_step_changes_nothing() -> None:
    side = Side()
    side.put(10, 5)
    side.put(10, 0)
    side.put(11, 0)
    side.put(12, 1)
    assert {12: 1} == side.take_changes()
    assert {} == side.take_changes()


@pytest.mark.parametrize(
    ("is_halted", "is_delisted", "is_moving"),
    [(False, False, True), (True, False, False), (False, True, False)],
)
def test_a_market_that_is_halted_or_delisted_does_not_move(
    *, is_halted: bool, is_delisted: bool, is_moving: bool
) -> None:
    moving = market()
    moving.is_halted, moving.is_delisted = is_halted, is_delisted
    assert is_moving is moving.is_moving
