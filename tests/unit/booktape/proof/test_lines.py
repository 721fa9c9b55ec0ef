from pathlib import Path

import pytest

from booktape.proof.findings import Report
from booktape.proof.verify import verify
from tests.support.tapes import Recording, Tape

SESSIONS = [f"2026112{day}T091500.123456Z-bitvavo-a" for day in range(5)]
OTHERS = ["20261119T091500.123456Z-bitvavo-b", "20261119T091500.123456Z-btcturk-a"]


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path)


def write(
    tape: Tape, session: str, before: str | None, *, flushes: int = 1, ends: bool = True
) -> None:
    """Write a session that says which one it follows."""
    said = "null" if before is None else f'"{before}"'
    recording = Recording(session)
    recording.feed_event("session_start", detail=f'{{"session_before":{said}}}')
    tape.write([recording.take()])
    for _ in range(flushes - 1):
        recording.feed_event("connected")
        tape.write([recording.take()])
    if ends:
        recording.end()
        tape.write([recording.take()])


def write_line(tape: Tape, *left_out: int, ends: bool = True, flushes: int = 1) -> Report:
    """Write five sessions that follow each other but for some; verify that."""
    for place, session in enumerate(SESSIONS):
        if place not in left_out:
            before = SESSIONS[place - 1] if place else None
            is_last = session == SESSIONS[-1]
            write(tape, session, before, ends=ends or not is_last, flushes=flushes)
    return verify(tape.store)


def test_a_line_that_is_all_there_is_whole(tape: Tape) -> None:
    report = write_line(tape)
    assert (True, [], []) == (report.ok, report.pending, report.expired)


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_session_that_is_wholly_gone_is_missed(tape: Tape, lost: int) -> None:
    report = write_line(tape, lost)
    assert not report.ok
    [fault] = report.faults
    assert (SESSIONS[lost], None, None) == (fault.session, fault.first, fault.last)
    assert f"nothing is left of this session before {SESSIONS[lost + 1]}" == fault.reason


def test_of_sessions_that_are_gone_one_after_another_the_last_is_missed(tape: Tape) -> None:
    report = write_line(tape, 1, 2)
    assert [SESSIONS[2]] == [fault.session for fault in report.faults]


def test_what_is_older_than_all_that_is_left_of_its_line_is_expired(tape: Tape) -> None:
    write(tape, OTHERS[0], None)
    write(tape, OTHERS[1], None)
    report = write_line(tape, 0, 1)
    assert (True, [], []) == (report.ok, report.faults, report.pending)
    assert [SESSIONS[1]] == [gone.session for gone in report.expired]


def test_the_session_before_one_that_has_just_begun_may_be_on_its_way(tape: Tape) -> None:
    report = write_line(tape, 3, ends=False)
    assert (True, []) == (report.ok, report.faults)
    assert SESSIONS[3] in [one.session for one in report.pending]


def test_the_session_before_one_that_goes_on_for_long_is_lost(tape: Tape) -> None:
    report = write_line(tape, 3, ends=False, flushes=2)
    assert [SESSIONS[3]] == [fault.session for fault in report.faults]


def test_the_session_before_one_that_was_followed_is_lost_however_short_it_was(tape: Tape) -> None:
    write(tape, SESSIONS[0], None)
    write(tape, SESSIONS[2], SESSIONS[1], ends=False)
    write(tape, SESSIONS[3], SESSIONS[2])
    assert [SESSIONS[1]] == [fault.session for fault in verify(tape.store).faults]


def test_segments_without_their_manifest_are_missed_as_such_alone(tape: Tape) -> None:
    for place in (0, 1):
        write(tape, SESSIONS[place], None)
    keys = tape.keys()
    for key in keys:
        if key.session == SESSIONS[1]:
            tape.path(key).unlink()
    write(tape, SESSIONS[2], SESSIONS[1])
    found = verify(tape.store)
    assert {SESSIONS[1]} == {one.session for one in found.faults + found.pending}
    assert all(one.key for one in found.faults + found.pending)


def test_two_sessions_may_say_that_they_follow_the_same(tape: Tape) -> None:
    write(tape, SESSIONS[0], None)
    write(tape, SESSIONS[1], SESSIONS[0])
    write(tape, SESSIONS[2], SESSIONS[0])
    write(tape, SESSIONS[3], None)
    assert verify(tape.store).ok
