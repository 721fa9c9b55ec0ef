import errno
import json
from pathlib import Path

import msgspec
import pytest

from booktape.store.files import sync_folder
from shared.delivery.chain import Chain, _find_before
from shared.delivery.frame import FRAME_VERSION
from shared.delivery.frame_builder import FrameBuilder
from shared.delivery.journal import Journal
from shared.delivery.journal_file import FrameReader
from shared.event import FeedEvent
from tests.support.frames import make_foreign

FIRST, SECOND, THIRD = (f"2026112{day}T091500.123456Z-toy-a" for day in range(3))
OTHERS = [FIRST.replace("-a", "-b"), FIRST.replace("toy", "toys")]


def begin(state: Path, session: str, *, events: int = 1, detail: str = "{}") -> Journal:
    """Write a journal that nobody owns any more."""
    journal = Journal.create(state / "journal" / session.split("-")[1], session)
    if events:
        builder = FrameBuilder(session)
        for _ in range(events):
            builder.add(0, None, FeedEvent("session_start", detail=detail))
        journal.append(builder.take(0))
        journal.sync()
    journal.close()
    return journal


def note(state: Path, *sessions: str) -> None:
    """Leave what the writer knows of sessions."""
    (state / "sessions").mkdir()
    for session in sessions:
        (state / "sessions" / f"{session}.json").write_text("{}")


def remember(state: Path, session: str) -> None:
    chain = Chain(state, session)
    chain.remember()
    assert chain.is_remembered


def test_the_first_session_of_a_state_folder_follows_none(tmp_path: Path) -> None:
    chain = Chain(tmp_path, FIRST)
    assert (None, False) == (chain.before, chain.is_remembered)


def test_a_session_follows_the_one_that_was_remembered_last(tmp_path: Path) -> None:
    for session in (FIRST, SECOND):
        remember(tmp_path, session)
    assert SECOND == Chain(tmp_path, THIRD).before
    assert {"session": SECOND} == json.loads((tmp_path / "lines/toy-a.json").read_bytes())


def test_it_is_remembered_whatever_the_clock_does(tmp_path: Path) -> None:
    for session in (FIRST, THIRD, SECOND):
        remember(tmp_path, session)
    begin(tmp_path, THIRD)
    assert SECOND == Chain(tmp_path, FIRST).before


def test_a_session_that_wrote_nothing_is_followed_by_nobody(tmp_path: Path) -> None:
    remember(tmp_path, FIRST)
    Chain(tmp_path, SECOND)  # it is killed before its first event is synced
    assert FIRST == Chain(tmp_path, THIRD).before


def test_sessions_that_were_killed_at_once_are_found_by_what_they_follow(tmp_path: Path) -> None:
    remember(tmp_path, SECOND)
    begin(tmp_path, FIRST, detail=f'{{"session_before":"{SECOND}"}}')  # the clock went back
    begin(tmp_path, THIRD, detail=f'{{"session_before":"{FIRST}"}}')
    begin(tmp_path, SECOND, detail='{"session_before":null}')
    assert THIRD == Chain(tmp_path, THIRD.replace("T09", "T08")).before


@pytest.mark.parametrize(
    "detail",
    ["", "{}", "[]", f'{{"session_before":"{THIRD}"}}', f'{{"session_before":"{SECOND}"}}'],
)
def test_a_journal_that_follows_another_one_is_older(tmp_path: Path, detail: str) -> None:
    remember(tmp_path, FIRST)
    begin(tmp_path, SECOND, detail=detail)
    assert FIRST == Chain(tmp_path, THIRD).before


def test_a_journal_without_its_beginning_is_older_than_what_is_remembered(tmp_path: Path) -> None:
    remember(tmp_path, FIRST)
    journal = begin(tmp_path, SECOND, detail=f'{{"session_before":"{FIRST}"}}')
    [file] = journal.path.glob("*.journal")
    reader = FrameReader(file, SECOND)
    [found] = reader.scan(0, file.stat().st_size)
    reader.close()
    frame = msgspec.structs.replace(found.frame, first=7, last=7)
    assert _find_before(frame) is None
    assert FIRST == _find_before(found.frame)
    damaged = msgspec.structs.replace(found.frame, events=msgspec.Raw(b"\x91\x01"))
    assert _find_before(damaged) is None


def test_lines_and_exchanges_do_not_mix(tmp_path: Path) -> None:
    for other in OTHERS:
        remember(tmp_path, other)
        begin(tmp_path, other)
    note(tmp_path, *OTHERS)
    assert Chain(tmp_path, SECOND).before is None
    assert OTHERS[0] == Chain(tmp_path, SECOND.replace("-a", "-b")).before


def test_what_an_earlier_release_left_is_found_by_its_journal(tmp_path: Path) -> None:
    begin(tmp_path, FIRST)
    begin(tmp_path, SECOND)
    assert SECOND == Chain(tmp_path, THIRD).before


def test_what_an_earlier_release_left_is_found_by_what_the_writer_knows(tmp_path: Path) -> None:
    begin(tmp_path, FIRST)
    note(tmp_path, SECOND, "no session")
    assert SECOND == Chain(tmp_path, THIRD).before


def test_a_journal_without_an_event_is_of_no_session(tmp_path: Path) -> None:
    begin(tmp_path, FIRST)
    begin(tmp_path, SECOND, events=0)
    torn = begin(tmp_path, THIRD)
    [file] = torn.path.glob("*.journal")
    file.write_bytes(file.read_bytes()[:-1])
    (tmp_path / "journal/toy" / f"{THIRD}.partial").mkdir()
    begin(tmp_path, THIRD.replace("T09", "T08"), events=0).path.joinpath("lock").touch()
    assert FIRST == Chain(tmp_path, THIRD.replace("T09", "T10")).before


def test_a_journal_of_another_release_is_of_a_session_too(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal/toy", FIRST)
    journal.append(make_foreign(FRAME_VERSION + 1, session=FIRST))
    journal.sync()
    journal.close()
    assert FIRST == Chain(tmp_path, SECOND).before


def test_a_journal_that_cannot_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tmp_path, FIRST)
    (tmp_path / "journal/toy" / SECOND).write_bytes(b"no folder")
    assert FIRST == Chain(tmp_path, THIRD).before
    monkeypatch.setattr("shared.delivery.chain.find_files", refuse)
    assert Chain(tmp_path, THIRD).before is None


def refuse(*_: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"\xff", b'{"session":"x"}', json.dumps({"session": OTHERS[0]}).encode()]
)
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, data: bytes) -> None:
    begin(tmp_path, FIRST)
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines/toy-a.json").write_bytes(data)
    assert FIRST == Chain(tmp_path, SECOND).before


def test_what_the_disk_refuses_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(tmp_path, FIRST)
    with monkeypatch.context() as broken:
        broken.setattr("shared.delivery.chain.write_atomic", refuse)
        chain.remember()
    is_refused = not chain.is_remembered
    chain.remember()
    assert (True, True) == (is_refused, chain.is_remembered)
    assert FIRST == Chain(tmp_path, SECOND).before


def test_what_is_remembered_survives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def sync(path: Path) -> None:
        synced.append(path)
        sync_folder(path)

    monkeypatch.setattr("shared.process.files.sync_folder", sync)
    monkeypatch.setattr("booktape.store.files.sync_folder", sync)
    Chain(tmp_path, FIRST).remember()
    assert [tmp_path, tmp_path / "lines"] == [
        path for path in synced if path.is_relative_to(tmp_path)
    ]
