from pathlib import Path

import pytest

from services.buffer_writer.sessions import Known, SessionFiles
from tests.support.writing import OTHER, SESSION


@pytest.fixture
def sessions(tmp_path: Path) -> SessionFiles:
    sessions = make_sessions(tmp_path)
    (tmp_path / "journal" / "toy" / SESSION).mkdir(parents=True)
    return sessions


def make_sessions(tmp_path: Path) -> SessionFiles:
    sessions = SessionFiles(tmp_path / "sessions", tmp_path / "journal")
    sessions.load()
    return sessions


def test_the_file_says_what_the_contract_says(sessions: SessionFiles, tmp_path: Path) -> None:
    sessions.write(SESSION, Known(7, ended=False))
    path = tmp_path / "sessions" / f"{SESSION}.json"
    assert b'{"next":7,"ended":false}' == path.read_bytes()


def test_what_was_written_is_read_again(sessions: SessionFiles, tmp_path: Path) -> None:
    known = Known(7, ended=True, hole=(6, 9), end=7)
    sessions.write(SESSION, known)
    again = make_sessions(tmp_path)
    assert known == again.get(SESSION)
    assert [SESSION] == again.names()


def test_what_was_only_set_is_not(sessions: SessionFiles, tmp_path: Path) -> None:
    sessions.write(SESSION, Known(7, ended=False))
    sessions.set(SESSION, Known(9, ended=False))
    assert Known(9, ended=False) == sessions.get(SESSION)
    assert Known(7, ended=False) == make_sessions(tmp_path).get(SESSION)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b'{"next":-', b'{"next":"7","ended":false}', b'{"next":-1,"ended":false}'),
        b'{"x":' * 100_000,
    ],
)
def test_a_damaged_file_is_as_good_as_lost(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / f"{SESSION}.json").write_bytes(data)
    assert make_sessions(tmp_path).get(SESSION) is None
    assert "damaged" in caplog.text


def test_a_file_of_somebody_else_is_no_session(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "x.json").write_bytes(b'{"next":7,"ended":false}')
    assert [] == make_sessions(tmp_path).names()


def test_a_forgotten_session_is_gone_for_good(sessions: SessionFiles, tmp_path: Path) -> None:
    sessions.write(SESSION, Known(7, ended=True))
    sessions.forget(SESSION)
    assert sessions.get(SESSION) is None
    assert [] == make_sessions(tmp_path).names()


def test_the_mark_lies_in_the_journal_and_goes_with_it(
    sessions: SessionFiles, tmp_path: Path
) -> None:
    assert not sessions.is_marked(SESSION)
    sessions.mark(SESSION)
    assert sessions.is_marked(SESSION)
    (tmp_path / "journal" / "toy" / SESSION).rename(tmp_path / "gone")
    assert not sessions.is_marked(SESSION)


def test_a_journal_is_there_or_not(sessions: SessionFiles) -> None:
    assert sessions.has_journal(SESSION)
    assert not sessions.has_journal(OTHER)


def test_what_is_reached_only_grows() -> None:
    known = Known(7, ended=False)
    assert 9 == known.reach(9).next
    assert 7 == known.reach(5).next


def test_a_session_has_ended_when_what_is_committed_is_past_its_end_and_never_before() -> None:
    announced = Known(3, ended=False).announce(3, 8, 9, is_end=True)
    assert Known(3, ended=False, end=9) == announced
    assert not announced.may_have_ended
    assert not announced.reach(8).ended
    assert announced.reach(9).may_have_ended


def test_an_end_that_never_came_does_not_count_for_another_commit() -> None:
    announced = Known(3, ended=False).announce(3, 8, 9, is_end=True)
    assert not announced.announce(3, 11, 12, is_end=False).reach(12).may_have_ended


def test_an_end_that_an_earlier_release_noted_counts_once_nothing_of_it_is_left() -> None:
    assert Known(3, ended=True).reach(9).may_have_ended
    assert not Known(3, ended=True).announce(3, 8, 9, is_end=True).may_have_ended


def test_a_hole_counts_with_the_commit_that_carries_it_alone() -> None:
    announced = Known(3, ended=False).announce(3, 6, 20, is_end=False)
    assert 20 == announced.reach(7).next
    again = announced.announce(3, 6, 7, is_end=False)  # its record reads well now
    assert Known(7, ended=False) == again.reach(7)
    assert (6, 20) == announced.reach(7).announce(20, 29, 30, is_end=False).hole


def test_behind_a_hole_its_end_is_reached() -> None:
    known = Known(3, ended=False, hole=(6, 20))
    assert 6 == known.reach(6).next
    assert 20 == known.reach(7).next
    assert 25 == known.reach(7).reach(25).next


def test_a_hole_counts_once_it_is_committed() -> None:
    known = Known(5, ended=False)
    assert 0 == known.last_hole
    announced = known.announce(5, 6, 9, is_end=False)
    assert 0 == announced.last_hole
    assert 9 == announced.reach(7).last_hole == announced.reach(7).reach(20).last_hole
