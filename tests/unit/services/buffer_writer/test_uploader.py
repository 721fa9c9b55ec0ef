import errno
from pathlib import Path
from shutil import copytree
from threading import Event, Thread
from typing import NoReturn

import pytest

from booktape.store.folder import FolderStore
from booktape.store.protocol import ObjectInfo
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.uploader import IDLE_S, REASONS_MAX, RETRY_CAP_S
from tests.support.writing import (
    DAY,
    OTHER,
    SESSION,
    MemoryStore,
    World,
    make_book,
    make_store_error,
    stored_numbers,
)

NAME = f"{SESSION}-000000000000-000000000009"
KEY = f"exchange=toy/date=2024-10-04/{NAME}"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def world(tmp_path: Path, store: MemoryStore) -> World:
    world = World(tmp_path, store=store)
    world.journal()
    world.spool.committed.begin(SESSION, 0)
    return world


def commit(world: World, *firsts: int) -> None:
    for first in firsts:
        run = FrameRun(SESSION, DAY, [make_book(first)], first + 10, ends_session=False)
        world.spool.commit(run)


def test_segments_are_stored_before_their_manifest_and_then_discarded(
    world: World, store: MemoryStore
) -> None:
    commit(world, 0)
    assert 0.0 == world.uploader.step()
    assert [
        "list ledger/exchange=toy/",
        f"put tape/book/{KEY}.parquet",
        f"put ledger/{KEY}.json",
    ] == store.calls
    assert [] == world.files()
    assert world.clock.ns == world.uploader.last_upload_ts


def test_what_is_stored_is_what_was_committed(world: World, store: MemoryStore) -> None:
    commit(world, 0, 10, 20)
    world.upload()
    assert list(range(30)) == stored_numbers(store)


def test_an_empty_spool_is_looked_at_now_and_then(world: World, store: MemoryStore) -> None:
    assert IDLE_S == world.uploader.step()
    assert [] == store.calls


def test_a_failure_is_told_and_tried_again(
    world: World, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    commit(world, 0)
    store.errors = [make_store_error(), make_store_error(), None, None]
    waits = [world.uploader.step() for _ in range(2)]
    assert all(0 < wait <= RETRY_CAP_S for wait in waits)
    assert "cannot put memory: down; wait" == world.uploader.error
    assert [NAME] == world.spool.committed.names()
    assert 0.0 == world.uploader.step()
    assert not world.uploader.error
    assert list(range(10)) == stored_numbers(store)
    assert 1 == caplog.text.count("cannot upload")
    assert (2, 2) == (world.uploader.upload_failures, world.uploader.uploads)
    assert sum(map(len, store.objects.values())) == world.uploader.upload_bytes


def test_another_failure_is_another_line(
    world: World, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    commit(world, 0)
    store.errors = [make_store_error("down"), make_store_error("forbidden")]
    world.uploader.step()
    world.uploader.step()
    assert 2 == caplog.text.count("cannot upload")


def test_the_waits_grow_up_to_their_cap_and_start_again_after_a_success(
    world: World, store: MemoryStore
) -> None:
    commit(world, 0)
    store.errors = [make_store_error() for _ in range(200)]
    waits = [world.uploader.step() for _ in range(200)]
    assert RETRY_CAP_S / 2 < max(waits) <= RETRY_CAP_S
    world.upload()
    commit(world, 10)
    store.errors = [make_store_error()]
    assert 1.0 >= world.uploader.step()


def commit_other(world: World, first: int) -> None:
    run = FrameRun(OTHER, DAY, [make_book(first, session=OTHER)], first + 10, ends_session=False)
    world.spool.commit(run)


def test_the_flushes_of_a_session_are_stored_in_their_order_and_others_do_not_wait(
    world: World, store: MemoryStore
) -> None:
    world.journal(OTHER)
    world.spool.committed.begin(OTHER, 0)
    commit(world, 0, 10, 20)
    commit_other(world, 0)
    commit_other(world, 10)
    store.errors = [None, make_store_error()]
    world.uploader.step()
    assert [0.0, 0.0] == [world.uploader.step() for _ in range(2)]
    assert [] == stored_numbers(store)
    assert list(range(20)) == stored_numbers(store, OTHER)
    store.errors = [None, make_store_error()]
    assert 0.0 < world.uploader.step()
    assert [NAME] == [name for name in world.spool.committed.names() if name.startswith(NAME)]
    assert list(range(0)) == stored_numbers(store)
    world.upload()
    assert list(range(30)) == stored_numbers(store)


def test_what_stands_in_the_way_of_one_session_is_logged_once_whatever_else_is_stored(
    world: World,
    store: MemoryStore,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(path: Path, key: str) -> None:
        if SESSION in key:
            raise make_store_error("409")
        put(path, key)

    put = store.put
    world.journal(OTHER)
    world.spool.committed.begin(OTHER, 0)
    commit(world, 0)
    with monkeypatch.context() as patch:
        patch.setattr(store, "put", refuse)
        for first in (0, 10, 20):
            commit_other(world, first)
            assert {True, False} == {world.uploader.step() > 0 for _ in range(2)}
            assert world.uploader.error
    assert list(range(30)) == stored_numbers(store, OTHER)
    assert 1 == caplog.text.count("cannot upload")
    world.upload()
    assert world.uploader.error is None


def test_reasons_that_are_never_the_same_are_logged_a_few_times(
    world: World, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    commit(world, 0)
    for number in range(REASONS_MAX + 5):
        store.errors = [OSError(f"request {number} failed")]
        world.uploader.step()
    assert REASONS_MAX == caplog.text.count("cannot upload")
    assert world.uploader.error == f"request {REASONS_MAX + 4} failed"
    world.upload()
    assert world.uploader.error is None


def test_an_answer_that_cannot_be_had_does_not_keep_flushes_from_the_store(
    world: World, store: MemoryStore
) -> None:
    commit(world, 0)
    world.uploader.find_next(OTHER)
    store.errors = [make_store_error()]
    assert [True, False] == [world.uploader.step() > 0 for _ in range(2)]
    assert list(range(10)) == stored_numbers(store)
    world.upload()
    assert 0 == world.uploader.find_next(OTHER)


# --- a state that is older than its store ---


def test_what_the_store_has_in_other_flushes_is_set_aside(
    world: World, store: MemoryStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    commit(world, 0)
    world.upload()
    copytree(tmp_path, tmp_path / "restored")
    commit(world, 10, 20)
    world.upload()
    again = World(tmp_path / "restored", store=store)
    again.spool.commit(FrameRun(SESSION, DAY, [make_book(10, 15)], 25, ends_session=False))
    again.spool.commit(FrameRun(SESSION, DAY, [make_book(25, 15)], 40, ends_session=False))
    again.spool.commit(FrameRun(SESSION, DAY, [make_book(40)], 50, ends_session=False))
    again.upload()
    assert [*range(30), *range(40, 50)] == stored_numbers(store)
    assert 2 == again.spool.count_conflicts()
    assert "the store has 10 to 24 already in other flushes; was the state restored?" in {
        record.__dict__.get("reason") for record in caplog.records
    }
    assert 50 == again.spool.committed.sessions()[SESSION].next


def test_a_session_that_the_copy_of_a_state_has_not_begun_is_found_out_too(
    world: World, store: MemoryStore, tmp_path: Path
) -> None:
    commit(world, 0, 10)
    world.upload()
    clone = World(tmp_path / "clone", store=store)
    clone.journal()
    clone.spool.committed.begin(SESSION, 0)
    clone.spool.commit(FrameRun(SESSION, DAY, [make_book(0, 15)], 15, ends_session=False))
    clone.upload()
    assert list(range(20)) == stored_numbers(store)
    assert 1 == clone.spool.count_conflicts()


def test_the_ledger_is_compared_once_for_all_sessions_that_wait(
    world: World, store: MemoryStore
) -> None:
    world.journal(OTHER)
    world.spool.committed.begin(OTHER, 0)
    commit(world, 0, 10)
    commit_other(world, 0)
    world.upload()
    commit(world, 20)
    commit_other(world, 10)
    world.upload()
    assert 1 == store.calls.count("list ledger/exchange=toy/")


def test_nothing_is_put_before_the_ledger_could_be_compared(
    world: World, store: MemoryStore
) -> None:
    commit(world, 0)
    store.errors = [make_store_error(), make_store_error()]
    assert all(world.uploader.step() > 0 for _ in range(2))
    assert {} == store.objects
    world.upload()
    assert list(range(10)) == stored_numbers(store)


def test_a_lost_answer_is_no_second_object(world: World, store: MemoryStore) -> None:
    commit(world, 0)
    store.loses_answers = True
    while world.spool.committed.names():
        world.uploader.step()
    assert list(range(10)) == stored_numbers(store)
    assert 0 == world.spool.count_conflicts()


def test_what_is_there_already_and_the_same_is_a_success(world: World, store: MemoryStore) -> None:
    commit(world, 0)
    store.objects[f"tape/book/{KEY}.parquet"] = b"0 1 2 3 4 5 6 7 8 9"
    world.upload()
    assert list(range(10)) == stored_numbers(store)
    assert [] == world.files()


@pytest.mark.parametrize("there", [b"0 1 2", b"9 8 7 6 5 4 3 2 1 0"], ids=["size", "checksum"])
def test_what_is_there_already_and_differs_is_set_aside_and_never_in_the_way(
    world: World, store: MemoryStore, there: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    commit(world, 0, 10)
    store.objects[f"tape/book/{KEY}.parquet"] = there
    world.upload()
    assert [f"conflict/{NAME}.book.parquet", f"conflict/{NAME}.json"] == world.files()
    assert there == store.objects[f"tape/book/{KEY}.parquet"]
    assert f"ledger/{KEY}.json" not in store.objects
    assert list(range(10, 20)) == stored_numbers(store)
    assert "the store has another" in caplog.records[-1].__dict__["reason"]
    assert world.uploader.error is None


def test_a_checksum_that_the_store_knows_spares_the_reading(
    world: World, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(world, 0)
    [file, _] = world.spool.files(world.spool.read(NAME))
    store.objects[file.key] = file.path.read_bytes()
    info = ObjectInfo(file.key, file.path.stat().st_size, file.sha256)
    monkeypatch.setattr(store, "head", lambda _: info)
    world.upload()
    assert not [call for call in store.calls if call.startswith("get")]
    assert [] == world.files()


def test_an_object_that_vanished_again_is_put_again(
    world: World, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(world, 0)
    store.objects[f"tape/book/{KEY}.parquet"] = b"0 1 2 3 4 5 6 7 8 9"
    with monkeypatch.context() as patch:
        patch.setattr(store, "head", lambda _: None)
        assert 0 < world.uploader.step() <= RETRY_CAP_S
    assert [NAME] == world.spool.committed.names()
    store.objects.clear()
    world.upload()
    assert list(range(10)) == stored_numbers(store)


def test_a_segment_that_the_disk_damaged_is_not_stored(
    world: World, store: MemoryStore, tmp_path: Path
) -> None:
    commit(world, 0)
    (tmp_path / "spool" / f"{NAME}.book.parquet").write_bytes(b"0 1 2 3 4 5 6 7 8 8")
    world.upload()
    assert {} == store.objects
    assert 1 == world.spool.count_conflicts()


def test_a_segment_that_is_gone_is_not_waited_for(
    world: World, store: MemoryStore, tmp_path: Path
) -> None:
    commit(world, 0, 10)
    (tmp_path / "spool" / f"{NAME}.book.parquet").unlink()
    world.upload()
    assert list(range(10, 20)) == stored_numbers(store)
    assert [f"conflict/{NAME}.json"] == world.files()


def test_a_disk_that_refuses_is_told_like_a_store_that_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> NoReturn:
        raise OSError(errno.EIO, "Input/output error")

    commit(world, 0)
    with monkeypatch.context() as patch:
        patch.setattr(world.spool, "discard", fail)
        assert 0 < world.uploader.step()
    assert "[Errno 5] Input/output error" == world.uploader.error
    world.upload()
    assert [] == world.files()


# --- the ledger ---


def test_the_ledger_is_asked_on_the_uploaders_thread(world: World, store: MemoryStore) -> None:
    commit(world, 0, 10)
    world.upload()
    store.calls.clear()
    assert world.uploader.find_next(SESSION) is None
    assert world.uploader.find_next(SESSION) is None
    world.upload()
    assert 20 == world.uploader.find_next(SESSION)
    assert ["list ledger/exchange=toy/"] == store.calls


def test_of_a_session_that_is_not_in_the_ledger_everything_is_wanted(
    world: World, store: MemoryStore
) -> None:
    commit(world, 0)
    world.upload()
    store.objects["ledger/exchange=toy/notes.txt"] = b"somebody else's"
    world.uploader.find_next(OTHER)
    world.upload()
    assert 0 == world.uploader.find_next(OTHER)


def test_what_is_still_in_the_spool_counts_as_stored(world: World) -> None:
    commit(world, 0)
    world.uploader.find_next(SESSION)
    assert 0.0 == world.uploader.step()
    assert 10 == world.uploader.find_next(SESSION)


def test_a_ledger_that_cannot_be_asked_is_asked_again(world: World, store: MemoryStore) -> None:
    store.errors = [make_store_error()]
    world.uploader.find_next(SESSION)
    assert 0 < world.uploader.step()
    assert world.uploader.find_next(SESSION) is None
    assert 0.0 == world.uploader.step()
    assert 0 == world.uploader.find_next(SESSION)


# --- the thread ---


def test_told_to_stop_it_uploads_what_goes(world: World, store: MemoryStore) -> None:
    commit(world, 0, 10)
    stop = Event()
    stop.set()
    world.uploader.run(stop)
    assert list(range(20)) == stored_numbers(store)


def test_told_to_stop_it_waits_for_no_store(world: World, store: MemoryStore) -> None:
    commit(world, 0, 10)
    store.errors = [make_store_error() for _ in range(100)]
    stop = Event()
    thread = Thread(target=world.uploader.run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(30.0)
    assert not thread.is_alive()
    assert 2 == len(world.spool.committed.names())


def test_it_uploads_into_a_folder(tmp_path: Path) -> None:
    world = World(tmp_path / "var", store=FolderStore(tmp_path / "data"))
    world.journal()
    world.spool.committed.begin(SESSION, 0)
    commit(world, 0)
    world.upload()
    data = (tmp_path / "data" / "tape" / "book" / f"{KEY}.parquet").read_bytes()
    assert b"0 1 2 3 4 5 6 7 8 9" == data
    assert (tmp_path / "data" / "ledger" / f"{KEY}.json").exists()


def test_a_folder_that_has_another_object_is_a_conflict(tmp_path: Path) -> None:
    other = tmp_path / "data" / "tape" / "book" / f"{KEY}.parquet"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"9 8 7 6 5 4 3 2 1 0")
    world = World(tmp_path / "var", store=FolderStore(tmp_path / "data"))
    world.journal()
    world.spool.committed.begin(SESSION, 0)
    commit(world, 0)
    world.upload()
    assert 1 == world.spool.count_conflicts()
