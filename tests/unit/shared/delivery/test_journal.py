import errno
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.delivery import journal as journal_module
from shared.delivery.abandoned import leftovers
from shared.delivery.cursor import Cursor
from shared.delivery.frame import decode, encode
from shared.delivery.journal import DAMAGES_MAX, Journal
from shared.delivery.journal_file import Damage
from shared.errors import JournalError, UnknownFrameVersion
from shared.process.record_file import pack
from tests.support.frames import SESSION, make_end, make_foreign, make_frame
from tests.support.paths import ROOT


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.create(tmp_path, SESSION)
    yield journal
    journal.close()


@pytest.fixture
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file full with its first frame."""
    monkeypatch.setattr(journal_module, "JOURNAL_FILE_BYTES_MAX", 1)


def fill(journal: Journal, frames: int) -> None:
    for _ in range(frames):
        journal.append(make_frame(journal.next_number))


def read(journal: Journal) -> list[int]:
    cursor = Cursor(journal)
    firsts = []
    while (data := cursor.peek(committed=cursor.number)) is not None:
        firsts.append(decode(data).first)
        cursor.advance()
    cursor.close()
    return firsts


def adopt(path: Path) -> Journal:
    journal = Journal.adopt(path)
    assert journal is not None
    return journal


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def refuse(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def test_a_new_journal_is_empty_and_owned(tmp_path: Path, journal: Journal) -> None:
    assert (SESSION, tmp_path / SESSION) == (journal.session, journal.path)
    assert (0, 0, 0, 0) == (journal.base, journal.next_number, journal.synced, journal.bytes)
    assert not journal.is_adopted
    assert not journal.ended
    assert ["lock"] == names(journal.path)
    assert [] == leftovers(tmp_path)
    assert Journal.adopt(journal.path) is None


def test_a_folder_of_an_exchange_that_never_ran_has_no_leftovers(tmp_path: Path) -> None:
    assert [] == leftovers(tmp_path / "toy")


def test_a_new_journal_appears_with_its_lock_already_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    rename = Path.rename

    def look(path: Path, target: Path) -> Path:
        seen.append((leftovers(tmp_path), (path / "lock").exists()))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", look)
    Journal.create(tmp_path, SESSION).close()
    assert [([], True)] == seen


def test_a_start_discards_what_its_line_left_half_made_and_anybody_half_removed(
    tmp_path: Path,
) -> None:
    for name in ("1-toy-a.partial", "1-toy-b.partial", "1-toy-b.removed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").touch()
    assert [] == leftovers(tmp_path)
    Journal.create(tmp_path, "2-toy-a").close()
    assert ["1-toy-b.partial", "2-toy-a"] == names(tmp_path)


def test_a_journal_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "toy").write_text("in the way")
    with pytest.raises(JournalError, match=r"cannot create .*toy.*File exists"):
        Journal.create(tmp_path / "toy", SESSION)


def test_a_session_is_never_begun_twice(tmp_path: Path, journal: Journal) -> None:
    fill(journal, 1)
    with pytest.raises(JournalError, match="not empty"):
        Journal.create(tmp_path, SESSION)


def test_frames_come_back_once_they_are_synced(journal: Journal) -> None:
    fill(journal, 3)
    assert [] == read(journal)
    journal.sync()
    fill(journal, 1)
    assert [0, 1, 2] == read(journal)
    assert (0, 3, 4) == (journal.base, journal.synced, journal.next_number)
    journal.sync()
    assert [0, 1, 2, 3] == read(journal)


def test_the_size_is_that_of_the_files(journal: Journal) -> None:
    frames = [make_frame(0, 2), make_frame(2)]
    for frame in frames:
        journal.append(frame)
    assert sum(len(pack(encode(frame))) for frame in frames) == journal.bytes


@pytest.mark.parametrize("frame", [make_frame(1), make_frame(0, session="other")])
def test_a_frame_that_is_not_the_next_of_the_session_is_our_own_fault(
    journal: Journal, frame: object
) -> None:
    with pytest.raises(AssertionError):
        journal.append(frame)  # type: ignore[arg-type]


@pytest.mark.usefixtures("_small_files")
def test_a_full_file_is_followed_by_one_named_for_its_first_event(journal: Journal) -> None:
    journal.append(make_frame(0, 5))
    journal.append(make_frame(5, 2))
    journal.append(make_frame(7))
    expected = ["000000000000.journal", "000000000005.journal", "000000000007.journal", "lock"]
    assert expected == names(journal.path)
    journal.sync()
    assert [0, 5, 7] == read(journal)


@pytest.mark.usefixtures("_small_files")
def test_files_and_then_their_names_are_synced_oldest_first(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    monkeypatch.setattr(os, "fdatasync", note)
    monkeypatch.setattr(os, "fsync", note)
    fill(journal, 2)
    journal.sync()
    assert ["000000000000.journal", "000000000001.journal", SESSION] == synced
    journal.sync()
    assert 3 == len(synced)
    fill(journal, 1)
    journal.sync()
    assert ["000000000002.journal", SESSION] == synced[3:]


@pytest.mark.usefixtures("_small_files")
def test_only_the_file_that_grows_stays_open(journal: Journal) -> None:
    fill(journal, 50)
    journal.sync()
    opened = [
        link.readlink().name
        for link in Path("/proc/self/fd").iterdir()
        if link.is_symlink() and str(journal.path) in os.path.realpath(link)
    ]
    assert ["000000000049.journal", "lock"] == sorted(opened)


@pytest.mark.parametrize("call", ["fdatasync", "fsync"])
def test_a_failed_sync_is_never_tried_again(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    fill(journal, 2)
    with monkeypatch.context() as broken:
        broken.setattr(os, call, refuse)
        with pytest.raises(JournalError, match=r"cannot sync .*Input/output error"):
            journal.sync()
    with pytest.raises(JournalError, match="cannot sync"):
        journal.sync()
    with pytest.raises(JournalError, match="cannot sync"):
        fill(journal, 1)
    assert 0 == journal.synced
    assert [] == read(journal)
    journal.close()
    again = adopt(tmp_path / SESSION)
    assert 2 == again.next_number
    again.sync()
    assert [0, 1] == read(again)
    again.close()


def test_a_full_disk_costs_no_frame_and_leaves_no_rubbish(journal: Journal) -> None:
    fill(journal, 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal.bytes + 20, limits[1]))
        for _ in range(2):
            with pytest.raises(JournalError, match="make room"):
                fill(journal, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    fill(journal, 2)
    journal.sync()
    assert [0, 1, 2] == read(journal)


def test_a_disk_without_room_for_another_file_says_so(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, "open", refuse)
        with pytest.raises(JournalError, match=r"cannot create .*Input/output error"):
            fill(journal, 1)
    fill(journal, 1)
    assert 1 == journal.next_number


@pytest.mark.usefixtures("_small_files")
def test_trimming_deletes_whole_files_below_the_watermark_but_never_the_last(
    journal: Journal,
) -> None:
    for first in (0, 10, 20):
        journal.append(make_frame(first, 10))
    journal.sync()
    bases = []
    for committed in (0, 9, 10, 19, 20, 30, 0):
        journal.trim(committed)
        bases.append(journal.base)
    assert [0, 0, 10, 10, 20, 20, 20] == bases
    assert ["000000000020.journal", "lock"] == names(journal.path)
    assert [20] == read(journal)


def test_trimming_an_empty_journal_is_harmless(journal: Journal) -> None:
    journal.trim(0)
    fill(journal, 1)
    assert 0 == journal.base


def test_an_abandoned_journal_goes_on_where_it_was(tmp_path: Path, journal: Journal) -> None:
    fill(journal, 3)
    journal.close()
    assert [tmp_path / SESSION] == leftovers(tmp_path)
    again = adopt(tmp_path / SESSION)
    assert [] == leftovers(tmp_path)
    assert Journal.adopt(tmp_path / SESSION) is None
    assert again.is_adopted
    assert (0, 3, 0) == (again.base, again.next_number, again.synced)
    again.append(make_end(3))
    again.sync()
    assert [0, 1, 2, 3] == read(again)
    again.close()


@pytest.mark.usefixtures("_small_files")
def test_what_an_owner_left_unsynced_is_synced_before_it_is_sent(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(journal, 2)
    journal.close()
    again = adopt(journal.path)
    assert [] == read(again)
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fdatasync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)
    )
    again.sync()
    assert ["000000000000.journal", "000000000001.journal"] == synced
    assert [0, 1] == read(again)
    again.close()


def test_a_closed_journal_is_not_written_to_any_more(journal: Journal) -> None:
    fill(journal, 1)
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        fill(journal, 1)
    with pytest.raises(JournalError, match="is closed"):
        journal.sync()
    again = adopt(journal.path)
    assert 1 == again.next_number
    again.close()


def test_leftovers_are_listed_oldest_first(tmp_path: Path) -> None:
    sessions = ["3-toy-a", "1-toy-b", "2-toy-a"]
    for session in sessions:
        Journal.create(tmp_path, session).close()
    (tmp_path / "1-toy-b" / "lock").unlink()
    (tmp_path / "note.txt").touch()
    assert ["1-toy-b", "2-toy-a", "3-toy-a"] == [path.name for path in leftovers(tmp_path)]


def test_a_session_that_recorded_nothing_vanishes(tmp_path: Path, journal: Journal) -> None:
    journal.close()
    assert Journal.adopt(tmp_path / SESSION) is None
    assert [] == names(tmp_path)


def test_what_is_no_journal_is_not_adopted(tmp_path: Path) -> None:
    assert Journal.adopt(tmp_path / "none") is None
    assert [] == names(tmp_path)


@pytest.mark.parametrize("kept", [0, 1, 11, 12, 13, 60])
def test_a_torn_tail_is_cut_off(
    journal: Journal, caplog: pytest.LogCaptureFixture, kept: int
) -> None:
    fill(journal, 2)
    size = journal.bytes
    fill(journal, 1)
    journal.close()
    path = journal.path / "000000000000.journal"
    os.truncate(path, size + kept)
    again = adopt(journal.path)
    assert (2, size, size) == (again.next_number, again.bytes, path.stat().st_size)
    assert [] == again.damages
    assert [logging.WARNING] * (kept > 0) == [each.levelno for each in caplog.records]
    fill(again, 1)
    again.sync()
    assert [0, 1, 2] == read(again)
    again.close()


@pytest.mark.parametrize("tail", [b"", bytes(20), bytes(5000)])
def test_a_damaged_tail_is_reported_and_stepped_over(
    journal: Journal, caplog: pytest.LogCaptureFixture, tail: bytes
) -> None:
    fill(journal, 2)
    size = journal.bytes
    fill(journal, 1)
    journal.close()
    path = journal.path / "000000000000.journal"
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged + tail)
    again = adopt(journal.path)
    assert [Damage(path, size, len(damaged + tail) - size, 2, None)] == again.damages
    assert [logging.ERROR] == [each.levelno for each in caplog.records]
    assert 2 == again.next_number
    fill(again, 1)
    again.sync()
    assert [0, 1, 2] == read(again)
    assert 1 == len(again.damages)
    again.close()


@pytest.mark.usefixtures("_small_files")
@pytest.mark.parametrize("size", [0, 5])
def test_a_last_file_without_a_record_still_says_which_number_is_next(
    journal: Journal, size: int
) -> None:
    journal.append(make_frame(0, 5))
    journal.append(make_end(5))
    journal.close()
    os.truncate(journal.path / "000000000005.journal", size)
    again = adopt(journal.path)
    assert 5 == again.next_number
    assert not again.ended
    again.append(make_end(5))
    again.sync()
    assert [0, 5] == read(again)
    again.close()


def test_a_journal_of_another_release_is_left_alone(tmp_path: Path, journal: Journal) -> None:
    journal.close()
    (journal.path / "000000000000.journal").write_bytes(pack(encode(make_foreign(99))))
    with pytest.raises(UnknownFrameVersion, match="99"):
        Journal.adopt(journal.path)
    assert [journal.path] == leftovers(tmp_path)


def test_a_journal_that_cannot_be_read_is_left_alone(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(journal, 1)
    journal.close()
    with monkeypatch.context() as broken:
        broken.setattr(os, "pread", refuse)
        with pytest.raises(JournalError, match="cannot adopt"):
            Journal.adopt(journal.path)
    assert [journal.path] == leftovers(tmp_path)


def test_a_journal_has_ended_with_its_session_end(tmp_path: Path, journal: Journal) -> None:
    fill(journal, 2)
    assert not journal.ended
    assert not journal.is_delivered(2)
    journal.append(make_end(2))
    journal.close()
    again = adopt(tmp_path / SESSION)
    for each in (journal, again):
        assert each.ended
        assert not each.is_delivered(2)
        assert each.is_delivered(3)
    again.close()


def test_an_empty_journal_is_not_delivered(journal: Journal) -> None:
    assert not journal.is_delivered(0)


def test_a_removed_journal_vanishes_at_once(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, SESSION)
    journal.append(make_end(0))
    journal.remove()
    assert [] == names(tmp_path)


def test_a_journal_half_removed_is_no_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.create(tmp_path, SESSION)
    journal.append(make_end(0))
    with monkeypatch.context() as killed:
        killed.setattr("shutil.rmtree", refuse)
        with pytest.raises(OSError, match="Input/output"):
            journal.remove()
    assert [f"{SESSION}.removed"] == names(tmp_path)
    assert [] == leftovers(tmp_path)


def test_a_journal_that_has_not_ended_is_never_removed(journal: Journal) -> None:
    fill(journal, 1)
    with pytest.raises(AssertionError):
        journal.remove()


def test_damage_is_reported_once_and_remembered_up_to_a_bound(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(DAMAGES_MAX + 1):
        for _ in range(2):
            journal.note(Damage(journal.path, 0, 1, number, number + 1))
    assert DAMAGES_MAX == len(journal.damages) == len(caplog.records)


CHILD = """
import sys
from pathlib import Path
from shared.delivery.journal import Journal
from tests.support.frames import SESSION, make_frame
journal = Journal.create(Path(sys.argv[1]), SESSION)
print("ready", flush=True)
while True:
    journal.append(make_frame(journal.next_number, 3, detail="x" * (journal.next_number % 5000)))
    print(journal.next_number, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 2, 40, 300])
def test_nothing_that_was_appended_is_lost_with_a_killed_process(
    tmp_path: Path, lines: int
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout:
        for _ in range(lines):
            child.stdout.readline()
        assert [] == leftovers(tmp_path)
        child.send_signal(signal.SIGKILL)
        said = child.stdout.read().split()
    child.wait()
    journal = adopt(tmp_path / SESSION) if said else Journal.adopt(tmp_path / SESSION)
    if journal is not None:
        assert journal.next_number >= (int(said[-1]) if said else 0)
        journal.sync()
        assert list(range(0, journal.next_number, 3)) == read(journal)
        journal.close()


def test_one_thread_appends_while_another_syncs_reads_and_trims(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "JOURNAL_FILE_BYTES_MAX", 2000)
    frames = 2000
    appender = threading.Thread(target=fill, args=(journal, frames))
    appender.start()
    cursor = Cursor(journal)
    expected = 0
    while expected < frames:
        journal.sync()
        while (data := cursor.peek(committed=0)) is not None:
            frame = decode(data)
            assert expected == frame.first
            assert frame.base <= frame.first
            expected = frame.last + 1
            cursor.advance()
        journal.trim(expected // 2)
    appender.join()
    assert journal.base > 0
    cursor.close()


def test_it_can_go_on_with_a_later_number_in_a_file_of_its_own(
    tmp_path: Path, journal: Journal
) -> None:
    fill(journal, 2)
    journal.skip_to(2)
    assert [f"{0:012}.journal", "lock"] == names(journal.path)
    journal.skip_to(7)
    journal.append(make_end(7))
    assert [f"{0:012}.journal", f"{7:012}.journal", "lock"] == names(journal.path)
    journal.sync()
    assert [0, 1, 7] == read(journal)
    journal.close()
    again = adopt(tmp_path / SESSION)
    assert (8, True) == (again.next_number, again.ended)
    again.close()


def fail_on(file: str, number: int, patch: pytest.MonkeyPatch) -> list[str]:
    """Let the disk refuse whatever is written to a file; return the names of those written to."""
    pwrite, written = os.pwrite, []

    def write(descriptor: int, data: bytes, offset: int) -> int:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        if name == file:
            raise OSError(number, os.strerror(number))
        written.append(name)
        return pwrite(descriptor, data, offset)

    patch.setattr(os, "pwrite", write)
    return written


@pytest.mark.parametrize("number", [errno.EIO, errno.EFBIG])
def test_behind_a_file_that_refuses_the_journal_goes_on_in_the_next(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fill(journal, 2)
    with monkeypatch.context() as patch:
        written = fail_on(f"{0:012}.journal", number, patch)
        fill(journal, 2)
        assert {f"{2:012}.journal"} == set(written)
    journal.sync()
    assert [0, 1, 2, 3] == read(journal)
    journal.close()
    again = adopt(tmp_path / SESSION)
    assert (4, []) == (again.next_number, again.damages)
    again.close()


def test_on_a_full_disk_it_goes_on_where_it_is(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(journal, 2)
    with monkeypatch.context() as patch:
        fail_on(f"{0:012}.journal", errno.ENOSPC, patch)
        with pytest.raises(JournalError, match="No space left on device; make room"):
            fill(journal, 1)
    fill(journal, 1)
    assert [f"{0:012}.journal", "lock"] == names(journal.path)


def test_a_file_that_has_nothing_yet_is_tried_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_on(f"{0:012}.journal", errno.EIO, patch)
        for _ in range(2):
            with pytest.raises(JournalError, match="Input/output error"):
                fill(journal, 1)
    fill(journal, 1)
    journal.sync()
    assert [0] == read(journal)
