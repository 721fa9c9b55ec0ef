"""The files of leases and of live books."""

from pathlib import Path

from shared.process.live_books import Lease, LiveBook, LiveBooks, read_file, write_file

BOOK = LiveBook(1, [(1.0, 2.0)], [(3.0, 4.0)])
FILE = LiveBooks(1, "toy", "a", "s", {"A-B": BOOK}, ["A-B"])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "watch" / "toy.json"
    write_file(path, Lease(["A-B"], 5))
    assert Lease(["A-B"], 5) == read_file(path, Lease)
    write_file(path, FILE)
    assert FILE == read_file(path, LiveBooks)
    assert [path] == list(path.parent.iterdir())


def test_what_is_not_there_or_says_nothing_is_none(tmp_path: Path) -> None:
    path = tmp_path / "toy.json"
    assert read_file(path, Lease) is None
    for data in (b"", b"[]", b'{"symbols":["A-B"]}'):
        path.write_bytes(data)
        assert read_file(path, Lease) is None
