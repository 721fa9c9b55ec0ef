"""Sessions that begin, wait, or are held back."""

from pathlib import Path

import pytest

import services.buffer_writer.admission
from services.buffer_writer.admission import FORGET_INTERVAL_S
from tests.support.writing import (
    FOREIGN,
    OTHER,
    SESSION,
    MemoryStore,
    World,
    disk_full,
    make_book,
    make_end,
    make_store_error,
    stored_numbers,
)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def world(tmp_path: Path, store: MemoryStore) -> World:
    world = World(tmp_path, store=store)
    for session in (SESSION, OTHER, FOREIGN):
        world.journal(session)
    return world


def test_a_lost_file_is_replaced_by_what_the_store_has(
    world: World, store: MemoryStore, tmp_path: Path
) -> None:
    world.receive(make_book(0))
    world.writer.flush("toy")
    world.upload()
    (tmp_path / "sessions" / f"{SESSION}.json").unlink()
    again = World(tmp_path, store=store)
    store.errors = [make_store_error()]
    again.receive(make_book(0), make_book(10))
    again.uploader.step()
    again.receive(make_book(0), make_book(10))
    assert SESSION not in again.writer.watermark().sessions
    assert "its file is lost" in again.writer.held[SESSION]
    again.uploader.step()
    again.writer.tend_sessions()
    assert (10, 10) == again.watermark()
    assert {} == again.writer.held
    again.receive(make_book(0), make_book(10))
    again.writer.flush("toy")
    again.upload()
    assert list(range(20)) == stored_numbers(store)


def test_a_lost_file_and_a_spool_that_still_has_the_flush(world: World, tmp_path: Path) -> None:
    world.receive(make_book(0))
    world.writer.flush("toy")
    (tmp_path / "sessions" / f"{SESSION}.json").unlink()
    again = World(tmp_path, store=world.store)
    again.receive(make_book(0))
    again.upload()
    again.writer.tend_sessions()
    assert (10, 10) == again.watermark()


def test_a_new_session_needs_no_store(world: World, store: MemoryStore) -> None:
    world.receive(make_book(0))
    assert (0, 10) == world.watermark()
    assert [] == store.calls


def test_a_straggler_of_a_forgotten_session_is_nothing_new(world: World) -> None:
    world.receive(make_book(0), make_end(10))
    world.writer.flush("toy")
    world.upload()
    (world.journal() / "taken").unlink()
    world.journal().rmdir()
    world.clock.pass_s(FORGET_INTERVAL_S)
    world.writer.tend_sessions()
    assert {} == world.writer.watermark().sessions
    world.receive(make_book(0), make_end(10))
    assert {} == world.writer.watermark().sessions
    assert {} == world.writer.held


def test_a_session_whose_journal_is_there_is_not_forgotten(world: World) -> None:
    world.receive(make_book(0), make_end(10))
    world.writer.flush("toy")
    world.upload()
    world.clock.pass_s(FORGET_INTERVAL_S)
    world.writer.tend_sessions()
    assert (11, 11) == world.watermark()


def test_a_session_whose_file_cannot_be_written_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("services.buffer_writer.sessions.write_atomic", disk_full)
        world.receive(make_book(0))
        world.writer.tend_sessions()
        assert {} == world.writer.watermark().sessions
        assert "cannot write its file: No space left" in world.writer.held[SESSION]
    world.writer.tend_sessions()
    # It was marked, or not: only the store can tell.
    world.upload()
    world.writer.tend_sessions()
    assert (0, 0) == world.watermark()
    assert {} == world.writer.held


def test_there_are_only_so_many_sessions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.buffer_writer.admission, "SESSIONS_MAX", 1)
    world.receive(make_book(0), make_book(0, session=OTHER), make_book(0, session=FOREIGN))
    assert [SESSION] == list(world.writer.watermark().sessions)
    assert {OTHER: "the writer has 1 sessions already"} == world.writer.held


def test_a_waiting_session_whose_journal_went_waits_no_longer(world: World) -> None:
    world.receive(make_book(50, base=50))
    world.journal().rmdir()
    world.writer.tend_sessions()
    assert {} == world.writer.held
