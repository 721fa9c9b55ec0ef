"""Which socket reads what."""

from collections.abc import Sequence

from shared.feed.board import Board
from shared.transport.sockets import Sockets
from tests.support.readers import make_board


class World:
    """The sockets of an exchange, which nobody reads."""

    def __init__(self, *whole_channels: str, channels: Sequence[str] = ("book", "ticker")) -> None:
        self.boards: list[Board] = []
        self.sockets = Sockets(
            channels, whole_channels=whole_channels, symbols_per_socket=2, add=self._add
        )

    def _add(self, symbols: Sequence[str], channels: Sequence[str]) -> Board:
        self.boards.append(make_board(symbols, channels))
        return self.boards[-1]

    def follow(self, symbols: str) -> list[str]:
        """Follow these; return what each socket has."""
        self.sockets.follow(symbols.split())
        return [" ".join(board.wanted) for board in self.boards]

    def channels(self) -> list[str]:
        return [" ".join(board.channels) for board in self.boards]


def test_a_socket_has_at_most_so_many_symbols() -> None:
    world = World()
    assert [] == world.boards
    assert ["A B", "C D", "E"] == world.follow("A B C D E")
    assert ["book ticker"] * 3 == world.channels()


def test_a_symbol_that_is_named_twice_is_read_once() -> None:
    assert ["A B"] == World().follow("A B A")


def test_a_new_symbol_goes_where_there_is_room_and_disturbs_nobody() -> None:
    world = World()
    world.follow("A B C D E")
    before = list(world.boards)
    assert ["A B", "C", "E"] == world.follow("A B C E")
    assert ["A B", "C F", "E G", "H"] == world.follow("A B C E F G H")
    assert before == world.boards[:3]


def test_where_nothing_changes_nothing_is_replaced() -> None:
    world = World("ticker")
    world.follow("A B C")
    before = [board.wanted for board in world.boards]
    world.follow("A B C")
    after = [board.wanted for board in world.boards]
    assert [True] * 3 == [one is two for one, two in zip(before, after, strict=True)]


def test_a_socket_without_symbols_stays_for_the_next_ones() -> None:
    world = World()
    world.follow("A B C")
    assert ["", "C"] == world.follow("C")
    assert ["D E", "C"] == world.follow("C D E")


def test_what_comes_whole_has_a_socket_of_its_own() -> None:
    world = World("ticker")
    assert ["A B C", "A B", "C"] == world.follow("A B C")
    assert ["ticker", "book", "book"] == world.channels()
    assert ["A C", "A", "C"] == world.follow("A C")


def test_where_all_comes_whole_one_socket_is_enough() -> None:
    world = World("ticker", channels=["ticker"])
    assert ["A B C"] == world.follow("A B C")
    assert ["ticker"] == world.channels()
