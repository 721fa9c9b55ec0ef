"""Trades of an outage, asked for and answered."""

import msgspec
import pytest

from shared.event import FeedEvent, Trade
from shared.exchange import Call
from shared.feed.backfills import Backfills
from shared.feed.board import Backfill
from shared.feed.trades import RECENT_MAX, Trades
from tests.support.readers import make_board
from tests.support.toys import Tape, make_exchange, make_rest, trade, trades


class World:
    """A feed that lost its connection after trade 1."""

    def __init__(self, *, is_possible: bool = True) -> None:
        self.tape = Tape()
        self.trades = Trades(self.tape)
        self.board = make_board(["BTC-EUR"])
        trades = Call(path=lambda *_: "/") if is_possible else None
        exchange = make_exchange(rest=make_rest(trades=trades))
        self.backfills = Backfills(self.trades, self.board, exchange)
        self.trades.trade(1, "BTC-EUR", trade(1))
        self.trades.lose_all(2)

    def ask(self, now_s: float = 5.0) -> None:
        self.backfills.ask("BTC-EUR", "BTCEUR", now_s)

    def ask_twice(self, number: int) -> Backfill:
        """Lose the connection again, after this trade, while the first question is under way."""
        self.ask()
        under_way = self.board.questions.popleft()
        self.trades.trade(2, "BTC-EUR", trade(number))
        self.trades.lose_all(2)
        self.ask()
        return under_way

    def ids(self) -> list[str]:
        return [one.trade_id for one in self.tape.events(Trade)]

    def gaps(self) -> list[tuple[str, str]]:
        details = [msgspec.json.decode(gap.detail) for gap in self.tape.events(FeedEvent)]
        return [(detail["last"], detail["reason"]) for detail in details]


@pytest.fixture
def world() -> World:
    return World()


def test_after_an_outage_the_trades_since_the_last_one_are_asked_for(world: World) -> None:
    world.ask()
    (question,) = world.board.questions
    assert ("BTC-EUR", "BTCEUR", "t1", 5.0) == (
        question.symbol,
        question.raw_symbol,
        question.outage.trade_id,
        question.asked_s,
    )


def test_where_there_was_no_outage_nothing_is_asked(world: World) -> None:
    world.ask()
    world.ask()
    world.backfills.ask("ETH-EUR", "ETHEUR", 5.0)
    assert 1 == len(world.board.questions)


def test_an_answer_is_recorded_by_the_one_who_asked(world: World) -> None:
    world.ask()
    question = world.board.questions.popleft()
    world.trades.trade(2, "BTC-EUR", trade(4))
    world.board.answer_backfill(question, trades(1, 2, 3, 4))
    assert ["t1", "t4"] == world.ids()
    world.backfills.record(3)
    assert ["t1", "t4", "t2", "t3"] == world.ids()
    assert (3, "BTC-EUR", trade(2)) == world.tape[2]
    world.backfills.end(4)
    assert [] == world.gaps()


def test_no_trade_is_recorded_twice_however_long_the_answer_takes(world: World) -> None:
    world.ask()
    live = range(10, 10 + 2 * RECENT_MAX)
    for number in live:
        world.trades.trade(2, "BTC-EUR", trade(number))
    world.board.answer_backfill(world.board.questions.popleft(), trades(1, 2, *live))
    world.backfills.record(3)
    assert ["t1", *(f"t{number}" for number in live), "t2"] == world.ids()


def test_no_trade_is_recorded_twice_while_a_second_answer_is_on_its_way(world: World) -> None:
    first = world.ask_twice(2)
    second = world.board.questions.popleft()
    world.board.answer_backfill(first, trades(1, 2))
    world.backfills.record(3)
    live = range(10, 10 + 2 * RECENT_MAX)
    for number in live:
        world.trades.trade(4, "BTC-EUR", trade(number))
    world.board.answer_backfill(second, trades(2, 3, *live))
    world.backfills.record(5)
    assert ["t1", "t2", *(f"t{number}" for number in live), "t3"] == world.ids()


def test_what_cannot_be_had_is_a_gap(world: World) -> None:
    world.ask()
    question = world.board.questions.popleft()
    world.board.answer_backfill(question, None, "gone")
    world.backfills.record(3)
    assert [("t1", "gone")] == world.gaps()
    world.backfills.end(4)
    assert 1 == len(world.gaps())


def test_an_exchange_without_old_trades_makes_a_gap_and_no_question() -> None:
    world = World(is_possible=False)
    world.ask()
    assert not world.board.questions
    world.backfills.record(3)
    assert [("t1", "the exchange offers no way to ask for them")] == world.gaps()


def test_an_older_question_reaches_further_so_a_newer_one_is_not_asked(world: World) -> None:
    world.ask()
    world.trades.trade(2, "BTC-EUR", trade(5))
    world.trades.lose_all(2)
    world.ask()
    assert ["t1"] == [question.outage.trade_id for question in world.board.questions]


def test_while_one_is_being_asked_a_newer_one_is_asked_as_well(world: World) -> None:
    under_way = world.ask_twice(5)
    assert ["t5"] == [question.outage.trade_id for question in world.board.questions]
    world.board.answer_backfill(under_way, trades(1, 2, 5))
    world.backfills.record(3)
    world.backfills.end(4)
    assert [("t5", "there was no answer in time")] == world.gaps()


def test_at_the_end_every_question_without_an_answer_is_a_gap(world: World) -> None:
    world.ask()
    world.backfills.end(4)
    world.backfills.end(5)
    assert [("t1", "there was no answer in time")] == world.gaps()
    assert (4, "BTC-EUR") == world.tape[-1][:2]


def test_at_the_end_an_answer_that_just_came_is_recorded(world: World) -> None:
    world.ask()
    world.board.answer_backfill(world.board.questions.popleft(), trades(1, 2))
    world.backfills.end(4)
    assert ["t1", "t2"] == world.ids()
    assert [] == world.gaps()
