from random import Random

import pytest

from booktape.ladder import Ladder
from booktape.sample.market import LEVELS, STEP_US, MarketHistory, make_history

START = 1_789_992_000_000_000
TURNS = 2000


def make(seed: int = 1, quiet: range = range(0)) -> MarketHistory:
    random = Random(seed)
    mids = [3000.0]
    while len(mids) < TURNS:
        mids.append(mids[-1] * (1 + random.gauss(0.0, 5e-5)))
    return make_history(
        "ETH-EUR",
        mids,
        start_us=START,
        typical_size=1.5,
        price_decimals=1,
        quiet=quiet,
        random=random,
    )


def test_one_seed_makes_one_history() -> None:
    assert make() == make()
    assert make() != make(2)


def test_the_first_move_is_the_whole_book() -> None:
    first = make().moves[0]
    assert START == first.ts
    assert (LEVELS, LEVELS) == (len(first.bids), len(first.asks))


def test_the_numbers_of_the_moves_continue() -> None:
    moves = make().moves
    assert len(moves) > TURNS / 10
    numbers = [move.sequence for move in moves]
    assert list(range(numbers[0], numbers[0] + len(moves))) == numbers
    times = [move.ts for move in moves]
    assert sorted(set(times)) == times


def test_a_book_never_crosses_and_keeps_its_levels() -> None:
    ladder = Ladder()
    for move in make().moves:
        ladder.apply(move.bids, move.asks)
        assert ladder.find_crossing() is None
        assert (LEVELS, LEVELS) == (len(ladder.bids), len(ladder.asks))


def test_a_removed_level_was_there() -> None:
    ladder = Ladder()
    for move in make().moves:
        assert {price for price, size in move.bids if not size} <= ladder.bids.keys()
        assert {price for price, size in move.asks if not size} <= ladder.asks.keys()
        ladder.apply(move.bids, move.asks)


def test_a_deal_is_made_at_the_best_price() -> None:
    history = make()
    assert {"buy", "sell"} == {deal.side for deal in history.deals}
    for deal in history.deals:
        ladder, _ = history.book_at(deal.ts)
        best = min(ladder.asks) if deal.side == "buy" else max(ladder.bids)
        assert best == deal.price
        assert deal.size > 0


def test_nothing_happens_while_it_is_quiet() -> None:
    quiet = range(500, 900)
    history = make(quiet=quiet)
    times = [move.ts for move in history.moves[1:]] + [deal.ts for deal in history.deals]
    turns = {(ts - START) // STEP_US for ts in times}
    assert turns
    assert turns.isdisjoint(quiet)


def test_the_book_at_a_time_has_every_move_up_to_then() -> None:
    history = make()
    move = history.moves[10]
    before, number = history.book_at(move.ts - 1)
    assert move.sequence - 1 == number
    after, number = history.book_at(move.ts)
    assert move.sequence == number
    before.apply(move.bids, move.asks)
    assert (before.bids, before.asks) == (after.bids, after.asks)


def test_before_its_first_move_a_market_has_no_book() -> None:
    with pytest.raises(AssertionError):
        make().book_at(START - 1)
