"""Which symbols of a feed are live, and which were refused."""

from collections.abc import Sequence

import pytest

from shared.event import Delta
from shared.feed.books import Books
from shared.feed.counts import Counts
from shared.feed.rows import FeedRows
from shared.feed.standing import Standing
from shared.feed.subscriptions import Subscriptions
from tests.support.readers import make_board
from tests.support.toys import book, delta, make_exchange

SYMBOLS = {"BTCEUR": "BTC-EUR", "ETHEUR": "ETH-EUR"}


class World:
    """The books and subscriptions of a feed."""

    def __init__(self, channels: Sequence[str] = ("book", "ticker")) -> None:
        self.board = make_board([*SYMBOLS.values()], channels)
        self.books = Books(FeedRows(), lambda *_: None)
        self.subscriptions = Subscriptions(make_exchange(), channels)
        self._standing = Standing(self.board, self.books, self.subscriptions)
        for raw_symbol, symbol in SYMBOLS.items():
            self.books.add(raw_symbol, symbol)
        self.subscriptions.ask(SYMBOLS)
        self.subscriptions.messages(0.0)

    def live(self) -> set[str]:
        self._standing.show(SYMBOLS, 7, Counts())
        assert 7 == self.board.feed.messages
        return set(self.board.feed.live)

    def refused(self) -> set[str]:
        self._standing.show(SYMBOLS, 7, Counts())
        return set(self.board.feed.refused)


@pytest.fixture
def world() -> World:
    return World()


def test_a_symbol_lives_by_its_book(world: World) -> None:
    assert set() == world.live()
    world.books.replace(1, book("BTCEUR", 10))
    assert {"BTC-EUR"} == world.live()
    gap: Delta = delta("BTCEUR", 15)
    world.books.delta(2, gap)
    assert set() == world.live()


def test_without_books_it_lives_by_its_subscriptions() -> None:
    world = World(channels=["trades", "ticker"])
    world.subscriptions.acknowledge("trades", SYMBOLS)
    assert set() == world.live()
    world.subscriptions.acknowledge("ticker", ["ETHEUR"])
    assert {"ETH-EUR"} == world.live()


def test_refused_symbols_are_ours_by_name(world: World) -> None:
    assert set() == world.refused()
    world.subscriptions.refuse("ETHEUR", 1.0)
    assert {"ETH-EUR"} == world.refused()


def test_only_the_books_that_somebody_looks_at_are_shown() -> None:
    world = World()
    world.books.replace(1, book("BTCEUR", 10))
    world.books.replace(1, book("ETHEUR", 20))
    world.live()
    assert {} == world.board.feed.tops
    world.board.watched = frozenset({"ETH-EUR", "XRP-EUR"})
    world.live()
    assert ["ETH-EUR"] == list(world.board.feed.tops)
    assert 20 == world.board.feed.tops["ETH-EUR"].sequence
