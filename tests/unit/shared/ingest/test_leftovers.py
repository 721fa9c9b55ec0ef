"""What dead ingests left is adopted a few at a time, oldest first."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from shared.delivery.abandoned import leftovers
from shared.delivery.frame import FRAME_VERSION
from shared.delivery.journal import Journal
from shared.delivery.sender import STILL_S_MAX, Sender
from shared.ingest.leftovers import ADOPTED_IN_ALL_MAX, ADOPTED_MAX, Leftovers
from tests.support.fake_writer import FakeWriter
from tests.support.frames import make_end, make_foreign, make_frame

OWN = "20261122T091500.123456Z-toy-a"


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer() -> FakeWriter:
    return FakeWriter()


@pytest.fixture
def sender(tmp_path: Path, writer: FakeWriter, clock: Clock) -> Iterator[Sender]:
    sender = Sender([Journal.create(tmp_path, OWN)], writer.make_pipe, writer, clock)
    yield sender
    sender.close()


@pytest.fixture
def old(tmp_path: Path, sender: Sender) -> Leftovers:
    return Leftovers(tmp_path, sender, clock_ns=lambda: 1)


def name(number: int) -> str:
    return f"20251122T0915{number:02}.123456Z-toy-a"


def leave(folder: Path, *numbers: int) -> None:
    for number in numbers:
        journal = Journal.create(folder, name(number))
        journal.append(make_frame(0, 10, session=name(number)))
        journal.close()


def adopt_all(old: Leftovers) -> int:
    count = 0
    while old.adopt():
        count += 1
    return count


def adopted(sender: Sender) -> list[str]:
    return sorted(journal.session for journal in sender.journals if journal.is_adopted)


def test_so_many_are_adopted_at_a_time_oldest_first(
    tmp_path: Path, old: Leftovers, sender: Sender, writer: FakeWriter, clock: Clock
) -> None:
    leave(tmp_path, *reversed(range(20)))
    assert ADOPTED_MAX == adopt_all(old) == 8
    assert [name(number) for number in range(8)] == adopted(sender)
    for _ in range(30):
        clock.now_s += 0.2
        sender.step()
        writer.work()
        writer.commit()
        adopt_all(old)
        assert len(adopted(sender)) <= ADOPTED_MAX
    assert [] == adopted(sender)
    assert [] == leftovers(tmp_path)
    assert all(list(range(11)) == writer.stored[name(number)] for number in range(20))


def test_those_that_the_writer_holds_back_keep_nobody_from_being_delivered(
    tmp_path: Path, old: Leftovers, sender: Sender, clock: Clock
) -> None:
    leave(tmp_path, *range(12))
    adopt_all(old)
    for _ in range(8):  # it takes nothing of them
        clock.now_s += STILL_S_MAX
        sender.step()
    assert 4 == adopt_all(old)
    assert [name(number) for number in range(12)] == adopted(sender)


def test_however_many_are_held_back_there_is_a_bound(
    tmp_path: Path, old: Leftovers, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(tmp_path, 1)
    for stuck, expected in ((ADOPTED_IN_ALL_MAX, False), (ADOPTED_IN_ALL_MAX - 1, True)):
        counts = {True: 0, False: stuck}
        count = partial(lambda counts, *, moving: counts[moving], counts)
        monkeypatch.setattr(sender, "count_adopted", count)
        assert expected == old.adopt()


def test_one_that_cannot_be_adopted_keeps_no_other_from_it_and_is_tried_again(
    tmp_path: Path, old: Leftovers, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = Journal.create(tmp_path, name(0))
    foreign.append(make_foreign(FRAME_VERSION + 1, session=name(0)))
    foreign.close()
    leave(tmp_path, 1, 2)
    with caplog.at_level(logging.ERROR):
        assert 2 == adopt_all(old)
        assert [name(1), name(2)] == adopted(sender)
        assert 0 == adopt_all(old)
    assert 2 == [record.message for record in caplog.records].count("cannot adopt a journal")


def test_a_session_that_has_ended_is_not_ended_again(
    tmp_path: Path, old: Leftovers, sender: Sender
) -> None:
    journal = Journal.create(tmp_path, name(0))
    journal.append(make_end(0, session=name(0)))
    journal.close()
    assert old.adopt()
    assert 1 == sender.journals[-1].next_number


def test_a_session_whose_tail_is_damaged_is_ended_where_the_writer_stands(
    tmp_path: Path,
    old: Leftovers,
    sender: Sender,
    writer: FakeWriter,
    clock: Clock,
) -> None:
    step = stepper(sender, writer, clock)
    journal = Journal.create(tmp_path, name(0))
    for first in (0, 10, 20):
        journal.append(make_frame(first, 10, session=name(0)))
    other = Sender([journal], writer.make_pipe, writer, clock)
    for _ in range(2):
        clock.now_s += 0.2
        other.step()
    writer.work()
    other.close()
    damage(tmp_path / name(0) / f"{0:012}.journal")
    assert old.adopt()
    [left] = [journal for journal in sender.journals if journal.is_adopted]
    assert (20, False) == (left.next_number, left.ended)
    step()
    assert (31, True) == (left.next_number, left.ended)
    step()
    assert list(range(31)) == writer.stored[name(0)]
    writer.commit()
    step()
    assert [] == leftovers(tmp_path)
    assert [] == adopted(sender) == sender.refused


def stepper(sender: Sender, writer: FakeWriter, clock: Clock) -> Callable[[], None]:
    def step() -> None:
        clock.now_s += 0.2
        sender.step()
        writer.work()

    return step


def damage(path: Path) -> None:
    """Change a byte of the last record."""
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
