"""What a market that stands still, or trades again, does to its book."""

from typing import Literal

import msgspec
import pytest

from shared.event import FeedEvent, MarketStatus
from shared.feed.books import Books
from shared.feed.counts import Counts
from shared.feed.parts import Parts
from shared.feed.questions import Questions
from shared.feed.statuses import Statuses
from shared.feed.subscriptions import Subscriptions
from tests.support.readers import make_board
from tests.support.toys import Tape, book, delta, make_exchange

SYMBOLS = {"BTCEUR": "BTC-EUR", "ETHEUR": "ETH-EUR"}


class World:
    """A feed's books and questions, and the board on which changes are."""

    def __init__(self, snapshot_by: Literal["message", "first"] = "message") -> None:
        self.tape = Tape()
        self.board = make_board(list(SYMBOLS.values()))
        exchange = make_exchange(
            snapshot_by=snapshot_by, ready="data" if snapshot_by == "first" else "acknowledgement"
        )
        self.now_s = 1000.0
        self.resyncs: list[tuple[str, str]] = []
        self.books = Books(self.tape, lambda raw, why: self.resyncs.append((raw, why)))
        subscriptions = Subscriptions(exchange, self.board.channels)
        hold, wanted = self.books.hold_deltas, self.board.books_wanted
        self.questions = Questions(exchange, subscriptions, lambda _: 0.0, hold, wanted)
        parts = Parts(exchange, self.board, self.books, self.tape, Counts())
        self.audited: list[tuple[str, float]] = []
        self.statuses = Statuses(parts, self.questions, lambda *one: self.audited.append(one))
        for raw_symbol, symbol in SYMBOLS.items():
            self.books.add(raw_symbol, symbol)
            self.books.replace(1, book(raw_symbol, 10))
        self.tape.clear()

    def become(self, status: MarketStatus, symbol: str = "BTC-EUR") -> list[str]:
        """Let a market's status change; return what is asked then."""
        self.now_s += 1.0
        self.board.statuses[symbol] = status
        self.statuses.take_all(2, self.now_s, SYMBOLS)
        return self.questions.due(self.now_s)[0]


def test_whoever_does_not_trade_is_known(world: World) -> None:
    idle = []
    statuses: tuple[MarketStatus, ...] = ("auction", "trading", "halted")
    for status in statuses:
        world.become(status)
        idle.append(sorted(world.board.idle))
    assert [["BTCEUR"], [], ["BTCEUR"]] == idle


def test_a_book_that_goes_on_under_another_status_is_audited(world: World) -> None:
    assert [] == world.become("auction")
    assert [("BTCEUR", world.now_s)] == world.audited
    world.become("cancel_only")
    assert 2 == len(world.audited)
    assert [] == world.tape
    for status in ("trading", "halted", "auction"):
        world.become(status)
    assert 2 == len(world.audited)  # what is lost or begins anew needs none


def test_a_halt_ends_the_book_with_a_row(world: World) -> None:
    assert [] == world.become("halted")
    assert {"ETH-EUR"} == world.books.live()
    [(ts, symbol, event)] = world.tape
    assert (2, "BTC-EUR") == (ts, symbol)
    assert isinstance(event, FeedEvent)
    detail = {"reason": "the market is halted"}
    assert ("stale", detail) == (event.kind, msgspec.json.decode(event.detail))
    world.books.delta(3, delta("BTCEUR", 11))
    assert 1 == len(world.tape)  # the next number proves nothing


def test_a_halt_that_is_told_again_is_no_second_row(world: World) -> None:
    world.become("halted")
    world.become("halted")
    assert 1 == len(world.tape)


def test_on_the_return_of_trading_the_book_begins_anew(world: World) -> None:
    world.become("halted")
    assert ["book BTCEUR"] == world.become("trading")


def test_where_the_book_begins_with_its_subscription_that_is_left_and_joined() -> None:
    world = World("first")
    world.become("halted")
    assert ["leave book BTCEUR", "join book BTCEUR"] == world.become("trading")


def test_a_book_that_went_on_begins_anew_as_well(world: World) -> None:
    world.become("auction")
    world.become("cancel_only")
    assert set(SYMBOLS.values()) == world.books.live()
    world.become("trading")
    assert [("BTCEUR", "trading")] == world.resyncs
    assert {"ETH-EUR"} == world.books.live()


def test_a_market_that_nobody_subscribed_to_is_none_of_ours(world: World) -> None:
    assert [] == world.become("trading", "XRP-EUR")
    assert [] == world.become("halted", "XRP-EUR")
    assert [] == world.tape


@pytest.fixture
def world() -> World:
    return World()
