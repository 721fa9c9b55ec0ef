"""The store that a spool belongs to: what began there goes on there."""

from pathlib import Path

import pytest

from booktape.errors import AlreadyStored, ConfigError
from booktape.store.folder import FolderStore
from booktape.store.storage import Storage
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.home import Home, find_home
from tests.support.writing import DAY, SESSION, MemoryStore, World, make_book, make_end

OLD, NEW = Storage("s3://old/tape"), Storage("s3://new/tape")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool" / "store"


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    path = tmp_path / "segment"
    path.write_bytes(b"data")
    return path


def live(tmp_path: Path, path: Path, *, ends: bool) -> World:
    """Store all that a session has by now."""
    world = World(tmp_path, store=Home(MemoryStore(), path, OLD))
    world.journal()
    world.spool.committed.begin(SESSION, 0)
    frames = [make_book(0), *([make_end(10)] if ends else [])]
    world.spool.commit(FrameRun(SESSION, DAY, frames, frames[-1].last + 1, ends_session=ends))
    world.upload()
    return world


def test_a_spool_that_has_stored_nothing_belongs_to_no_store(tmp_path: Path, path: Path) -> None:
    assert not find_home(path, OLD, World(tmp_path).spool.committed)


def test_a_session_that_began_in_one_store_does_not_go_on_in_another(
    tmp_path: Path, path: Path
) -> None:
    committed = live(tmp_path, path, ends=False).spool.committed
    assert find_home(path, OLD, committed)
    with pytest.raises(ConfigError, match="1 sessions that began in s3://old/tape go on there"):
        find_home(path, NEW, committed)
    with pytest.raises(ConfigError, match="go on there"):  # an address of its own
        find_home(path, Storage(OLD.url, "", "http://127.0.0.1:1"), committed)
    assert find_home(path, Storage(OLD.url, "eu-central-1"), committed)


def test_what_waits_goes_where_it_was_to_go(tmp_path: Path, path: Path) -> None:
    world = live(tmp_path, path, ends=False)
    world.spool.commit(FrameRun(SESSION, DAY, [make_end(10)], 11, ends_session=True))
    with pytest.raises(ConfigError, match="1 sessions"):
        find_home(path, NEW, world.spool.committed)


def test_once_every_session_has_ended_and_is_stored_another_store_may_follow(
    tmp_path: Path, path: Path, segment: Path
) -> None:
    committed = live(tmp_path, path, ends=True).spool.committed
    assert not find_home(path, NEW, committed)
    Home(MemoryStore(), path, NEW).put(segment, "x")
    assert find_home(path, NEW, committed)
    assert not find_home(path, OLD, committed)


def test_a_store_is_used_once_it_took_an_object(path: Path, tmp_path: Path, segment: Path) -> None:
    store = MemoryStore()
    store.errors = [OSError("no")]
    home = Home(store, path, OLD)
    with pytest.raises(OSError, match="no"):
        home.put(segment, "x")
    committed = World(tmp_path / "other").spool.committed
    assert not find_home(path, OLD, committed)
    home.put(segment, "x")
    assert find_home(path, OLD, committed)


def test_an_object_that_is_there_says_so_too(path: Path, tmp_path: Path, segment: Path) -> None:
    store = MemoryStore()
    store.objects["x"] = b"data"
    home = Home(store, path, OLD)
    with pytest.raises(AlreadyStored):
        home.put(segment, "x")
    assert find_home(path, OLD, World(tmp_path / "other").spool.committed)


def test_it_is_the_store_in_all_else(path: Path, tmp_path: Path, segment: Path) -> None:
    home = Home(FolderStore(tmp_path / "data"), path, OLD)
    home.put(segment, "tape/x")
    assert b"data" == home.get("tape/x")
    assert b"at" == home.get_range("tape/x", 1, 2)
    assert ["tape"] == [*home.folders("")][-1:]
    info = home.head("tape/x")
    assert info is not None
    assert 4 == info.bytes
    assert ["tape/x"] == [found.key for found in home.list("tape/")]


def test_a_file_that_cannot_be_read_says_nothing(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"{")
    assert not find_home(path, OLD, World(tmp_path).spool.committed)
