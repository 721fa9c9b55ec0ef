"""Leases, and the books that are shown for them."""

from pathlib import Path

from services.dashboard.leases import OLD_NS, Leases
from shared.process.live_books import LEASE_NS, Lease, LiveBook, LiveBooks, read_file, write_file
from shared.process.state import StateFolder

NOW = 10**18
BOOK = LiveBook(1, [(1.0, 2.0)], [(3.0, 4.0)])


class World:
    """A state folder and the leases of its books."""

    def __init__(self, folder: Path) -> None:
        self.folder = StateFolder(folder)
        self.now = NOW
        self.leases = Leases(self.folder, clock_ns=lambda: self.now)

    def show(self, line: str, ts: int, **books: LiveBook) -> None:
        path = self.folder.live_books("toy", line)
        write_file(path, LiveBooks(ts, "toy", line, "s", books, ["A-B", *books]))


def test_a_lease_says_which_books_are_wanted_and_until_when(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.leases.renew({"toy": ["A-B"], "other": []})
    assert Lease(["A-B"], NOW + LEASE_NS) == read_file(world.folder.lease("toy"), Lease)
    assert Lease([], NOW + LEASE_NS) == read_file(world.folder.lease("other"), Lease)
    world.now += 5
    world.leases.renew({"toy": ["C-D"]})
    assert Lease(["C-D"], NOW + 5 + LEASE_NS) == read_file(world.folder.lease("toy"), Lease)
    assert not world.folder.lease("other").exists()
    world.leases.end()
    assert not world.folder.lease("toy").exists()
    world.leases.end()


def test_the_books_of_the_newest_line_count(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.leases.renew({"toy": []})
    assert ({}, {}) == world.leases.read()
    newer = LiveBook(2, [], [])
    world.show("b", NOW, X=newer)
    world.show("a", NOW - 1, X=BOOK, Y=BOOK)
    assert ({"toy": {"X": newer, "Y": BOOK}}, {"toy": ["A-B", "X"]}) == world.leases.read()


def test_books_of_long_ago_and_damaged_files_are_none(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.leases.renew({"toy": []})
    world.show("a", NOW - OLD_NS, X=BOOK)
    world.folder.live_books("toy", "b").write_bytes(b'{"ts":')
    assert ({}, {}) == world.leases.read()


def test_where_the_disk_takes_no_lease_there_are_no_books(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "watch").write_text("in the way")
    world.leases.renew({"toy": []})
    world.show("a", NOW, X=BOOK)
    assert ({}, {}) == world.leases.read()
    world.leases.end({"toy"})
