"""What is known of the sessions, whatever is killed."""

from pathlib import Path

import pytest

from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.sessions import Known
from shared.delivery.frame import Frame
from tests.support.writing import OTHER, SESSION, World, broken_disk, make_book, make_end

NAME = f"{SESSION}-000000000000-000000000009"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.journal()
    world.spool.committed.begin(SESSION, 0)
    return world


def make_run(*frames: Frame, resumes_at: int | None = None, ends_session: bool = False) -> FrameRun:
    last = frames[-1]
    next_number = last.last + 1 if resumes_at is None else resumes_at
    return FrameRun(last.session, last.day, list(frames), next_number, ends_session)


def known(world: World, session: str = SESSION) -> Known:
    return world.spool.committed.sessions()[session]


def test_a_session_that_nobody_heard_of_is_new(world: World) -> None:
    world.journal(OTHER)
    assert world.spool.committed.is_new(OTHER)
    assert not world.spool.committed.is_new(SESSION)


def test_a_session_whose_file_was_lost_is_not_new(world: World, tmp_path: Path) -> None:
    assert not world.spool.committed.is_new(SESSION)
    (tmp_path / "sessions" / f"{SESSION}.json").unlink()
    again = World(tmp_path)
    assert not again.spool.committed.is_new(SESSION)
    assert {} == again.spool.committed.sessions()


def test_a_session_with_a_manifest_is_not_new(world: World, tmp_path: Path) -> None:
    world.spool.commit(make_run(make_book(0)))
    (tmp_path / "sessions" / f"{SESSION}.json").unlink()
    (world.journal() / "taken").unlink()
    again = World(tmp_path)
    assert not again.spool.committed.is_new(SESSION)
    assert 10 == again.spool.committed.reach(SESSION)


def test_a_session_whose_file_was_lost_stays_so_when_its_manifests_are_stored(
    world: World, tmp_path: Path
) -> None:
    world.spool.commit(make_run(make_book(0)))
    (tmp_path / "sessions" / f"{SESSION}.json").unlink()
    World(tmp_path).spool.discard(NAME)
    assert {} == World(tmp_path).spool.committed.sessions()


def test_behind_a_hole_the_session_goes_on_whatever_is_killed(world: World, tmp_path: Path) -> None:
    world.spool.commit(make_run(make_book(0), make_end(10), resumes_at=50))
    assert 50 == known(world).next
    assert 50 == known(World(tmp_path)).next
    world.spool.discard(f"{SESSION}-000000000000-000000000010")
    assert 50 == known(World(tmp_path)).next


def test_a_hole_that_was_not_committed_is_not_one(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("services.buffer_writer.spool.sync_folder", broken_disk)
    with pytest.raises(OSError, match="broken"):
        world.spool.commit(make_run(make_book(0), make_end(10), resumes_at=50))
    assert 0 == known(world).next
    monkeypatch.undo()
    assert 0 == known(World(tmp_path)).next


def test_a_second_hole_does_not_hide_the_first(world: World, tmp_path: Path) -> None:
    world.spool.commit(make_run(make_end(0), resumes_at=50))
    world.spool.commit(make_run(make_end(50), resumes_at=70))
    world.spool.discard(f"{SESSION}-{50:012}-{50:012}")
    again = World(tmp_path)
    assert 70 == known(again).next


def test_a_hole_whose_record_reads_well_later_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("services.buffer_writer.spool.sync_folder", broken_disk)
        with pytest.raises(OSError, match="broken"):
            world.spool.commit(make_run(make_book(0), make_end(10), resumes_at=50))
    world.spool.commit(make_run(make_book(0, 11)))
    assert 11 == known(world).next
    again = World(tmp_path)
    assert 11 == known(again).next
    again.spool.commit(make_run(make_book(11)))
    assert 21 == known(World(tmp_path)).next


def test_a_session_whose_last_commit_failed_has_not_ended(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("services.buffer_writer.spool.sync_folder", broken_disk)
    with pytest.raises(OSError, match="broken"):
        world.spool.commit(make_run(make_book(0), make_end(10), ends_session=True))
    monkeypatch.undo()
    assert Known(0, ended=False, end=11) == known(World(tmp_path))
    world.spool.commit(make_run(make_book(0), make_end(10), ends_session=True))
    assert Known(11, ended=True, end=11) == known(World(tmp_path))


def test_a_session_is_forgotten_when_it_ended_and_is_stored_and_its_journal_is_gone(
    world: World, tmp_path: Path
) -> None:
    journal = world.journal()
    world.spool.commit(make_run(make_end(0), ends_session=True))
    moved = journal.rename(tmp_path / "moved")
    assert [] == world.spool.committed.forget_done()
    world.spool.discard(f"{SESSION}-{0:012}-{0:012}")
    moved.rename(journal)
    assert [] == world.spool.committed.forget_done()
    journal.rename(tmp_path / "moved")
    assert [SESSION] == world.spool.committed.forget_done()
    assert {} == world.spool.committed.sessions() == World(tmp_path).spool.committed.sessions()
    assert [] == list((tmp_path / "sessions").iterdir())


def test_a_session_that_did_not_end_is_not_forgotten(world: World) -> None:
    (world.journal() / "taken").unlink()
    world.journal().rmdir()
    assert [] == world.spool.committed.forget_done()


def test_a_session_that_the_ledger_told_of_is_forgotten_with_its_journal(tmp_path: Path) -> None:
    world = World(tmp_path)  # its file was lost, and with it that it had ended
    journal = world.journal()
    world.spool.committed.begin(SESSION, 26)
    assert (
        [] == world.spool.committed.forget_done() == World(tmp_path).spool.committed.forget_done()
    )
    (journal / "taken").unlink()
    journal.rmdir()
    assert [SESSION] == World(tmp_path).spool.committed.forget_done()


def test_a_session_that_goes_on_behind_what_the_ledger_told_is_as_any_other(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    journal = world.journal()
    world.spool.committed.begin(SESSION, 10)
    world.spool.commit(make_run(make_book(10, 5)))
    world.upload()
    (journal / "taken").unlink()
    journal.rmdir()
    assert (
        [] == world.spool.committed.forget_done() == World(tmp_path).spool.committed.forget_done()
    )


def test_that_a_session_ended_survives_a_crash(world: World, tmp_path: Path) -> None:
    world.spool.commit(make_run(make_end(0), ends_session=True))
    assert known(World(tmp_path)).ended
