import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.delivery import journal as journal_module
from shared.delivery.cursor import Cursor
from shared.delivery.frame import encode
from shared.delivery.journal import Journal
from shared.delivery.journal_file import Damage
from shared.errors import UnknownFrameVersion
from shared.process.record_file import pack
from tests.support.frames import SESSION, make_end, make_foreign, make_frame, span


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a journal of ten events in each frame."""
    journal = Journal.create(tmp_path, SESSION)
    yield journal
    journal.close()


@pytest.fixture
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file full with its first frame."""
    monkeypatch.setattr(journal_module, "JOURNAL_FILE_BYTES_MAX", 1)


def fill(journal: Journal, frames: int) -> list[int]:
    """Append frames of ten events; return where each ends in its file."""
    ends = []
    for _ in range(frames):
        journal.append(make_frame(journal.next_number, 10))
        ends.append(journal.bytes)
    journal.sync()
    return ends


def take(cursor: Cursor, committed: int = 0) -> list[tuple[int, int, int]]:
    """Return base, first and last of every frame that may be sent."""
    spans = []
    while (data := cursor.peek(committed)) is not None:
        spans.append(span(data))
        cursor.advance()
    return spans


def flip(journal: Journal, offset: int, *, first: int = 0) -> Path:
    path = journal.path / f"{first:012}.journal"
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    return path


def test_there_is_nothing_to_send_before_the_first_frame(journal: Journal) -> None:
    cursor = Cursor(journal)
    assert [] == take(cursor)
    fill(journal, 1)
    assert [(0, 0, 9)] == take(cursor)
    assert 10 == cursor.number
    cursor.close()


def test_a_frame_stays_the_next_one_until_it_is_left_behind(journal: Journal) -> None:
    fill(journal, 2)
    cursor = Cursor(journal)
    assert cursor.peek(0) == cursor.peek(0)
    assert 0 == cursor.number
    cursor.advance()
    assert 10 == cursor.number
    cursor.close()


@pytest.mark.usefixtures("_small_files")
def test_one_walks_from_file_to_file_and_waits_at_the_end(journal: Journal) -> None:
    cursor = Cursor(journal)
    fill(journal, 2)
    assert [(0, 0, 9), (0, 10, 19)] == take(cursor)
    journal.append(make_frame(20, 10))
    assert [] == take(cursor)
    journal.sync()
    assert [(0, 20, 29)] == take(cursor)
    cursor.close()


@pytest.mark.parametrize("number", [0, 5, 9, 10, 15, 39, 40, 41, 1000])
@pytest.mark.parametrize("file_bytes_max", [1, 200, 10_000])
def test_one_may_go_to_any_event(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, number: int, file_bytes_max: int
) -> None:
    monkeypatch.setattr(journal_module, "JOURNAL_FILE_BYTES_MAX", file_bytes_max)
    fill(journal, 4)
    cursor = Cursor(journal)
    for _ in range(2):
        cursor.seek(number)
        assert number == cursor.number
        # A frame that holds the event is sent whole; the writer cuts off what it has.
        assert [(0, first, first + 9) for first in range(number // 10 * 10, 40, 10)] == take(cursor)
    cursor.close()


@pytest.mark.usefixtures("_small_files")
def test_what_was_trimmed_is_out_of_reach_and_the_base_says_so(journal: Journal) -> None:
    fill(journal, 4)
    cursor = Cursor(journal)
    cursor.peek(0)
    cursor.advance()
    journal.trim(20)
    cursor.seek(5)
    assert 20 == cursor.number
    assert [(20, 20, 29), (20, 30, 39)] == take(cursor)
    cursor.close()


@pytest.mark.usefixtures("_small_files")
def test_a_file_that_is_trimmed_under_the_cursor_is_read_on_from(journal: Journal) -> None:
    fill(journal, 3)
    cursor = Cursor(journal)
    cursor.peek(0)
    cursor.advance()
    journal.trim(10)
    assert [(10, 10, 19), (10, 20, 29)] == take(cursor)
    cursor.close()


def test_damage_is_stepped_over_once_all_before_it_is_committed(journal: Journal) -> None:
    ends = fill(journal, 4)
    path = flip(journal, ends[1] - 1)
    cursor = Cursor(journal)
    assert [(0, 0, 9)] == take(cursor)
    # A writer that was killed would come back without what is not committed, and would take a
    # frame with base 20 for the proof that everything below is gone.
    assert [] == take(cursor, committed=9)
    assert [(20, 20, 29), (20, 30, 39)] == take(cursor, committed=10)
    assert [Damage(path, ends[0], ends[1] - ends[0], 10, 20)] == journal.damages
    cursor.close()


def test_what_lies_before_damage_can_still_be_supplied(journal: Journal) -> None:
    ends = fill(journal, 3)
    flip(journal, ends[1] - 1)
    cursor = Cursor(journal)
    assert [(0, 0, 9), (20, 20, 29)] == take(cursor, committed=10)
    cursor.seek(5)
    assert [(0, 0, 9)] == take(cursor)
    assert 1 == len(journal.damages)
    cursor.close()


def test_a_writer_that_expects_what_is_damaged_is_sent_what_follows(journal: Journal) -> None:
    ends = fill(journal, 3)
    flip(journal, ends[1] - 1)
    cursor = Cursor(journal)
    for expected in (10, 15):
        cursor.seek(expected)
        assert [] == take(cursor, committed=5)
        assert [(20, 20, 29)] == take(cursor, committed=expected)
    cursor.close()


def test_a_writer_that_is_past_the_damage_never_hears_of_it(journal: Journal) -> None:
    ends = fill(journal, 3)
    flip(journal, ends[0] - 1)
    cursor = Cursor(journal)
    cursor.seek(15)
    assert [(0, 10, 19), (0, 20, 29)] == take(cursor)
    assert [] == journal.damages
    cursor.close()


def test_damage_in_several_places_is_stepped_over_one_by_one(journal: Journal) -> None:
    ends = fill(journal, 6)
    flip(journal, ends[1] - 1)
    flip(journal, ends[3] - 1)
    cursor = Cursor(journal)
    assert [(0, 0, 9), (20, 20, 29)] == take(cursor, committed=10)
    assert [] == take(cursor, committed=29)
    assert [(40, 40, 49), (40, 50, 59)] == take(cursor, committed=30)
    assert [(10, 20), (30, 40)] == [(d.first_missing, d.next_present) for d in journal.damages]
    cursor.close()


def test_damage_is_reported_where_it_lies_whatever_else_was_passed(journal: Journal) -> None:
    ends = fill(journal, 4)
    flip(journal, 0)
    path = flip(journal, ends[1])
    cursor = Cursor(journal)
    cursor.seek(20)
    assert [(30, 30, 39)] == take(cursor, committed=20)
    assert [Damage(path, ends[1], ends[2] - ends[1], 20, 30)] == journal.damages
    cursor.close()


def test_damage_at_the_very_beginning_waits_for_nothing(journal: Journal) -> None:
    fill(journal, 2)
    flip(journal, 0)
    cursor = Cursor(journal)
    assert [(10, 10, 19)] == take(cursor)
    cursor.close()


@pytest.mark.usefixtures("_small_files")
def test_damage_at_the_beginning_of_what_was_not_trimmed_waits_for_nothing(
    journal: Journal,
) -> None:
    fill(journal, 3)
    journal.trim(10)
    flip(journal, 0, first=10)
    cursor = Cursor(journal)
    assert [(20, 20, 29)] == take(cursor)
    cursor.close()


@pytest.mark.usefixtures("_small_files")
@pytest.mark.parametrize("size", [0, 50])
def test_a_file_that_ends_early_is_damage(journal: Journal, size: int) -> None:
    fill(journal, 3)
    path = journal.path / "000000000010.journal"
    os.truncate(path, size)
    cursor = Cursor(journal)
    assert [(0, 0, 9), (20, 20, 29)] == take(cursor, committed=10)
    assert [(path, 0, 10, 20)] == [
        (d.file, d.offset, d.first_missing, d.next_present) for d in journal.damages
    ]
    cursor.close()


@pytest.mark.usefixtures("_small_files")
def test_a_missing_file_is_damage(journal: Journal) -> None:
    fill(journal, 3)
    journal.close()
    (journal.path / "000000000010.journal").unlink()
    again = Journal.adopt(journal.path)
    assert again is not None
    again.sync()
    cursor = Cursor(again)
    assert [(0, 0, 9), (20, 20, 29)] == take(cursor, committed=10)
    expected = Damage(journal.path / "000000000020.journal", 0, 0, 10, 20)
    assert [expected] == again.damages
    cursor.close()
    again.close()


def test_a_damaged_end_is_stepped_over_when_the_journal_goes_on(journal: Journal) -> None:
    ends = fill(journal, 2)
    flip(journal, ends[1] - 1)
    cursor = Cursor(journal)
    for _ in range(3):
        assert [(0, 0, 9)] * (cursor.number == 0) == take(cursor)
    fill(journal, 1)
    assert [(20, 20, 29)] == take(cursor, committed=10)
    assert [(ends[0], ends[1] - ends[0])] == [(d.offset, d.bytes) for d in journal.damages]
    cursor.close()


def test_rubbish_between_frames_costs_nothing(journal: Journal) -> None:
    fill(journal, 1)
    journal.close()
    with (journal.path / "000000000000.journal").open("ab") as file:
        file.write(b"?" * 1000)
    again = Journal.adopt(journal.path)
    assert again is not None
    again.append(make_end(10))
    again.sync()
    cursor = Cursor(again)
    assert [(0, 0, 9), (0, 10, 10)] == take(cursor)
    cursor.close()
    again.close()


def test_any_flipped_bit_costs_one_frame_and_is_reported(journal: Journal) -> None:
    ends = fill(journal, 3)
    path = journal.path / "000000000000.journal"
    whole = path.read_bytes()
    for offset in range(ends[1]):
        hit = 0 if offset < ends[0] else 1
        path.write_bytes(whole)
        flip(journal, offset)
        journal.damages.clear()
        cursor = Cursor(journal)
        firsts = [first for _, first, _ in take(cursor, committed=10)]
        assert [0, 10, 20][:hit] + [0, 10, 20][hit + 1 :] == firsts
        assert [(10 * hit, 10 * hit + 10)] == [
            (d.first_missing, d.next_present) for d in journal.damages
        ]
        cursor.close()


def test_a_frame_of_another_release_is_not_skipped(journal: Journal) -> None:
    fill(journal, 1)
    journal.close()
    with (journal.path / "000000000000.journal").open("ab") as file:
        file.write(pack(encode(make_foreign(99))))
    (journal.path / "000000000020.journal").write_bytes(pack(encode(make_frame(20))))
    again = Journal.adopt(journal.path)
    assert again is not None
    again.sync()
    cursor = Cursor(again)
    with pytest.raises(UnknownFrameVersion):
        take(cursor)
    cursor.close()
    again.close()
