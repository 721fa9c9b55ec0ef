"""Books that are shown while somebody looks at them."""

from pathlib import Path

import pytest

from shared.feed.board import Board, BookTop, FeedView
from shared.ingest.live_books import LiveBooksFile
from shared.process.live_books import SYMBOLS_MAX, Lease, LiveBook, LiveBooks, read_file, write_file
from shared.process.state import StateFolder
from tests.support.frames import SESSION
from tests.support.readers import make_board

NOW = 10**18
TOP = BookTop(7, [(1.0, 2.0)], [(3.0, 4.0)])


class World:
    """Two boards, and whoever wants books of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = StateFolder(folder)
        self.now = NOW
        self.file = LiveBooksFile(self.folder, SESSION, clock_ns=lambda: self.now)
        self.boards: list[Board] = [make_board(["A-B"], ["book"]), make_board(["C-D"], ["book"])]

    def want(self, *symbols: str, until: int = NOW + 1) -> None:
        write_file(self.folder.lease("toy"), Lease(list(symbols), until))

    def look(self) -> LiveBooks | None:
        self.file.look(self.boards)
        return read_file(self.folder.live_books("toy", "a"), LiveBooks)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_while_nobody_looks_nothing_is_asked_and_nothing_written(world: World) -> None:
    assert world.look() is None
    world.want("A-B", until=NOW - 1)
    assert world.look() is None
    assert {frozenset()} == {board.watched for board in world.boards}
    assert not world.folder.status.exists()


def test_what_is_wanted_is_asked_for_and_shown(world: World) -> None:
    world.want("A-B", "C-D")
    world.look()
    assert {frozenset({"A-B", "C-D"})} == {board.watched for board in world.boards}
    world.boards[0].feed = FeedView(frozenset({"A-B"}), tops={"A-B": TOP, "E-F": TOP})
    world.boards[1].feed = FeedView(frozenset({"C-D"}))
    books = world.look()
    shown = LiveBook(7, [(1.0, 2.0)], [(3.0, 4.0)])
    assert LiveBooks(NOW, "toy", "a", SESSION, {"A-B": shown}, ["A-B", "C-D"]) == books


def test_more_than_some_are_shown_to_nobody(world: World) -> None:
    world.want(*(f"S{number}-E" for number in range(100)))
    world.look()
    assert SYMBOLS_MAX == len(world.boards[0].watched)


def test_when_nobody_looks_any_more_the_file_goes(world: World) -> None:
    world.want("A-B")
    assert world.look() is not None
    world.now += 2
    assert world.look() is None
    assert frozenset() == world.boards[0].watched
    world.want("A-B", until=NOW + 9)
    assert world.look() is not None
    world.folder.lease("toy").unlink()
    assert world.look() is None


def test_what_a_session_left_is_removed_by_the_next(world: World) -> None:
    world.want("A-B")
    world.look()
    LiveBooksFile(world.folder, SESSION, clock_ns=lambda: NOW)
    assert not world.folder.live_books("toy", "a").exists()


def test_a_disk_that_takes_nothing_is_in_the_way_of_nothing(world: World) -> None:
    world.want("A-B")
    world.folder.status.write_text("in the way")
    world.file.look(world.boards)
    assert frozenset() == world.boards[0].watched
