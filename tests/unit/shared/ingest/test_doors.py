"""Sockets and pollers, opened for the symbols that are followed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from services.ingest_bitvavo.exchange import EXCHANGE
from shared.feed.board import Board, FeedView
from shared.ingest.doors import Doors
from shared.ingest.intake import Intake
from shared.ingest.source import SocketSource
from shared.process.configured import load_settings
from shared.process.threads import Threads
from shared.transport.inbox import SocketRead
from shared.transport.limits import Limits
from shared.transport.rest import RestClient

WAIT_S = 10.0
NOBODY = {"websocket_url": "ws://127.0.0.1:1/", "rest_url": "http://127.0.0.1:1"}


class World:
    """Doors to an exchange that is not there, whose threads run."""

    def __init__(self, folder: Path, **changes: str) -> None:
        variables = {
            f"BOOKTAPE__EXCHANGES__BITVAVO__{key.upper()}": value
            for key, value in {**NOBODY, **changes}.items()
        }
        own = load_settings({"bitvavo": EXCHANGE}, variables).exchanges["bitvavo"]
        limits = Limits(folder / "limits.json", EXCHANGE.limits, steady_s=lambda: 7.0)
        self.intake = Intake()
        self.stop = Event()
        self.threads = Threads()
        self.doors = Doors(
            EXCHANGE,
            own,
            self.intake,
            limits,
            RestClient(EXCHANGE, own.rest_url, limits),
            threads=self.threads,
            stop=self.stop,
            pause=Event(),
        )

    def wanted(self) -> list[str]:
        return [" ".join(board.wanted) for board in self.doors.boards]


Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.chdir(tmp_path)
    made: list[World] = []

    def build(**changes: Any) -> World:
        made.append(World(tmp_path, **changes))
        return made[-1]

    yield build
    for world in made:
        assert world.threads.end(world.stop, within_s=WAIT_S)
        # Each of them said that nothing more comes.
        assert len(world.doors.boards) == sum(s.backlog > 0 for s in world.intake.sources)


def test_only_books_are_live_and_those_of_all_doors(make: Make) -> None:
    doors = make().doors
    live = ({"ETH-EUR", "BTC-EUR"}, {"SOL-EUR"}, {"XRP-EUR"})
    channels = (("book", "trades"), ("trades",), ("book",))
    for wanted, symbols in zip(channels, live, strict=True):
        board = Board(symbols, wanted, doors.names, down_since_s=0.0)
        board.feed = FeedView(live=frozenset(symbols))
        doors.boards.append(board)
    assert ["BTC-EUR", "ETH-EUR", "XRP-EUR"] == doors.find_live()
    doors.boards.clear()


def test_nothing_is_open_before_there_are_symbols(make: Make) -> None:
    assert [] == make().doors.boards


def test_each_socket_has_a_board_and_a_source_of_its_own(make: Make) -> None:
    world = make(symbols_per_socket="2")
    world.doors.follow(["A-EUR", "B-EUR", "C-EUR"])
    assert ["A-EUR B-EUR", "C-EUR"] == world.wanted()
    assert 2 == len(world.intake.sources)
    assert all(board.link.down_since_s for board in world.doors.boards)
    world.doors.follow(["A-EUR", "C-EUR", "D-EUR"])
    assert ["A-EUR D-EUR", "C-EUR"] == world.wanted()
    for source in world.intake.sources:
        assert isinstance(source, SocketSource)
        source._inbox.append(SocketRead(1, 1.0, [b"1234"], 1, 4))
    assert 8 == world.doors.received_bytes


def test_one_poller_follows_all_symbols(make: Make) -> None:
    world = make(transport="rest")
    world.doors.follow(["A-EUR"])
    world.doors.follow(["B-EUR", "C-EUR"])
    assert ["B-EUR C-EUR"] == world.wanted()
    assert ("book",) == world.doors.boards[0].channels
    assert 1 == len(world.intake.sources)
