"""What one connection subscribes to, and leaves."""

import msgspec
import pytest

from shared.event import FeedEvent
from shared.feed import trades as trades_module
from shared.feed.board import Board
from shared.feed.books import Books
from shared.feed.counts import Counts
from shared.feed.following import Following
from shared.feed.parts import Parts
from shared.feed.questions import Questions
from shared.feed.subscriptions import Subscriptions
from shared.feed.tickers import Tickers
from shared.feed.trades import Trades
from tests.support.readers import make_board
from tests.support.toys import Tape, book, make_exchange, trade


class World:
    """The parts of a feed that have to do with what is wanted."""

    def __init__(self, board: Board) -> None:
        self.tape = Tape()
        self.board = board
        exchange = make_exchange()
        self.books = Books(self.tape, lambda _raw, _why: None)
        self.subscriptions = Subscriptions(exchange, board.channels)
        parts = Parts(exchange, board, self.books, self.tape, Counts())
        hold, wanted = self.books.hold_deltas, board.books_wanted
        questions = Questions(exchange, self.subscriptions, lambda _: 0.0, hold, wanted)
        self.trades, tickers = Trades(self.tape), Tickers(self.tape)
        self.following = Following(parts, self.trades, tickers, questions, self.subscriptions)

    def answer(self) -> None:
        """Ask for what is wanted, and let all of it be acknowledged."""
        while self.subscriptions.has_more:
            self.subscriptions.messages(1000.0)
            for channel in self.board.channels:
                self.subscriptions.acknowledge(channel, list(self.following.symbols))


def test_what_is_wanted_is_asked_for_and_what_is_not_is_left_with_a_row() -> None:
    world = World(make_board(["BTC-EUR", "ETH-EUR"]))
    assert [] == world.following.follow(1)
    assert {"BTCEUR": "BTC-EUR", "ETHEUR": "ETH-EUR"} == world.following.symbols
    world.answer()
    world.books.replace(2, book("ETHEUR", 5))
    world.tape.clear()
    world.board.wanted = ("BTC-EUR",)
    assert ["leave book,trades,ticker ETHEUR"] == world.following.follow(3)
    assert {"BTCEUR": "BTC-EUR"} == world.following.symbols
    [(ts, symbol, event)] = world.tape
    assert (3, "ETH-EUR") == (ts, symbol)
    assert isinstance(event, FeedEvent)
    reason = {"channel": "book", "reason": "no longer listed"}
    assert ("gap", reason) == (event.kind, msgspec.json.decode(event.detail))


def test_nothing_changes_while_an_answer_is_due() -> None:
    world = World(make_board(["BTC-EUR"]))
    world.following.follow(1)
    world.board.wanted = ("ETH-EUR",)
    assert [] == world.following.follow(2)
    assert {"BTCEUR": "BTC-EUR"} == world.following.symbols
    world.answer()
    assert ["leave book,trades,ticker BTCEUR"] == world.following.follow(3)
    assert {"ETHEUR": "ETH-EUR"} == world.following.symbols


def test_a_new_connection_begins_with_nothing() -> None:
    world = World(make_board(["BTC-EUR"]))
    world.following.follow(1)
    world.answer()
    world.following.clear()
    assert {} == world.following.symbols
    world.following.follow(2)
    assert {"BTCEUR": "BTC-EUR"} == world.following.symbols


def test_of_what_was_left_little_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trades_module, "LEFT_MAX", 0)
    world = World(make_board(["BTC-EUR", "ETH-EUR"]))
    world.following.follow(1)
    world.answer()
    world.trades.trade(2, "ETH-EUR", trade(1, "ETHEUR"))
    world.board.idle.add("ETHEUR")
    world.board.wanted = ("BTC-EUR",)
    world.following.follow(3)
    assert set() == world.board.idle
    assert world.trades.pop_outage("ETHEUR") is None
