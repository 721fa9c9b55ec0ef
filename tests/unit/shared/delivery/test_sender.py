import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from shared.delivery import journal as journal_module
from shared.delivery import sender as sender_module
from shared.delivery.abandoned import leftovers
from shared.delivery.frame import decode, encode
from shared.delivery.journal import Journal
from shared.delivery.sender import FRAMES_PER_STEP_MAX, Sender
from shared.errors import JournalError
from shared.process.record_file import pack
from tests.support.fake_writer import FakeWriter
from tests.support.frames import SESSION, make_end, make_foreign, make_frame


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file full with its first frame."""
    monkeypatch.setattr(journal_module, "JOURNAL_FILE_BYTES_MAX", 1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer() -> FakeWriter:
    return FakeWriter()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.create(tmp_path, SESSION)
    yield journal
    journal.close()


@pytest.fixture
def sender(journal: Journal, writer: FakeWriter, clock: Clock) -> Iterator[Sender]:
    sender = Sender([journal], writer.make_pipe, writer, clock)
    yield sender
    sender.close()


@pytest.fixture
def step(sender: Sender, clock: Clock) -> Callable[..., float]:
    """Let time pass, and do one round."""

    def run(after_s: float = 0.2) -> float:
        clock.now_s += after_s
        return sender.step()

    return run


def fill(journal: Journal, frames: int = 1) -> None:
    """Append frames of ten events."""
    for _ in range(frames):
        journal.append(make_frame(journal.next_number, 10))


def spans(count: int, start: int = 0) -> list[tuple[int, int]]:
    return [(10 * number, 10 * number + 9) for number in range(start, start + count)]


def refuse(*_: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


Step = Callable[..., float]


def test_nothing_is_sent_before_a_writer_says_what_it_has(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal)
    writer.is_alive = False
    step()
    assert [] == writer.work()
    writer.is_alive = True
    step()
    assert spans(1) == writer.work()


def test_only_what_is_synced_is_sent(
    journal: Journal, writer: FakeWriter, clock: Clock, sender: Sender
) -> None:
    fill(journal)
    sender.step()
    fill(journal)
    clock.now_s += 0.19
    sender.step()
    assert spans(1) == writer.work()
    clock.now_s += 0.02
    sender.step()
    assert spans(1, 1) == writer.work()


def test_the_disk_is_synced_five_times_a_second_and_only_where_something_is_new(
    journal: Journal, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    for _ in range(100):
        fill(journal)
        step(0.01)
    assert 5 <= len(synced) <= 6
    step()
    step()
    assert len(synced) <= 7


def test_one_may_sleep_until_the_next_sync_where_all_is_sent(
    journal: Journal, step: Step, clock: Clock, sender: Sender
) -> None:
    fill(journal)
    assert 0.2 == pytest.approx(step())
    clock.now_s += 0.15
    assert 0.05 == pytest.approx(sender.step())
    clock.now_s += 0.06
    assert 0.2 == pytest.approx(sender.step())


def test_a_long_journal_is_sent_in_bounded_rounds(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal, FRAMES_PER_STEP_MAX + 1)
    assert 0 == step()
    assert FRAMES_PER_STEP_MAX == len(writer.work())
    assert step(0) > 0
    assert 1 == len(writer.work())


def test_a_sender_begins_where_the_writer_is(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal, 4)
    writer.take(make_frame(0, 25))
    step()
    # The frame that holds the expected event is sent whole, for the writer to cut.
    assert spans(2, 2) == writer.work()
    assert list(range(40)) == writer.stored[SESSION]


def test_a_session_that_the_writer_does_not_know_is_sent_from_its_base(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal, 2)
    writer.take(make_frame(0, 30, session="another"))
    step()
    assert spans(2) == writer.work()


def test_a_session_that_the_writer_forgot_is_sent_again(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal, 2)
    step()
    writer.work()
    step()
    writer.forget(SESSION)
    came = []
    for _ in range(8):
        step()
        came += writer.work()
    assert spans(2) == came


def test_a_full_pipe_makes_the_sender_wait_and_the_journal_grow(
    journal: Journal, clock: Clock
) -> None:
    writer = FakeWriter(pipe_frames_max=3)
    sender = Sender([journal], writer.make_pipe, writer, clock)
    fill(journal, 5)
    assert 0.1 == pytest.approx(sender.step())
    clock.now_s += 0.1
    assert 0.1 == pytest.approx(sender.step())
    assert spans(3) == writer.work()
    fill(journal)
    clock.now_s += 0.1
    sender.step()
    assert spans(3, 3) == writer.work()
    sender.close()


def test_a_writer_that_was_killed_gets_again_what_died_with_it(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal, 2)
    step()
    writer.work()
    writer.commit()
    fill(journal, 2)
    step()
    writer.work()
    writer.kill()
    assert list(range(20)) == writer.stored[SESSION]
    step()
    assert spans(2, 2) == writer.work()
    writer.kill()
    step()
    assert spans(2, 2) == writer.work()
    assert list(range(40)) == writer.stored[SESSION]


def test_what_got_lost_is_sent_again_after_a_second_without_progress(
    journal: Journal, writer: FakeWriter, step: Step, caplog: pytest.LogCaptureFixture
) -> None:
    fill(journal, 3)
    step()
    writer.work()
    fill(journal, 3)
    step()
    writer.pipes[0].frames.clear()
    for _ in range(4):
        step()
        assert [] == writer.work()
    assert [] == caplog.records
    # One frame shows whether the writer moves; the rest follows when it did.
    step()
    assert spans(1, 3) == writer.work()
    assert [logging.WARNING] == [each.levelno for each in caplog.records]
    step()
    assert spans(2, 4) == writer.work()
    for _ in range(20):
        step()
        assert [] == writer.work()


def test_a_frame_lost_in_the_middle_is_sent_again_with_all_that_followed(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal, 3)
    step()
    del writer.pipes[0].frames[1]
    for _ in range(20):
        step()
        writer.work()
    assert list(range(30)) == writer.stored[SESSION]


def test_silence_of_the_exchange_is_no_loss(
    journal: Journal, writer: FakeWriter, step: Step, caplog: pytest.LogCaptureFixture
) -> None:
    fill(journal)
    step()
    writer.work()
    for _ in range(50):
        step()
    fill(journal)
    step()
    step()
    assert spans(1, 1) == writer.work()
    assert [] == caplog.records


def test_without_word_from_the_writer_nothing_counts_as_lost(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal)
    step()
    writer.is_alive = False
    for _ in range(50):
        step()
    assert spans(1) == writer.work()


def test_a_writer_that_stands_still_gets_one_frame_again_and_ever_less_often(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal, 50)
    step()
    writer.pipes[0].frames.clear()
    rounds = []
    for number in range(1000):  # 200 s
        step()
        if writer.pipes[0].frames:
            assert 1 == len(writer.pipes[0].frames)
            rounds.append(number)
            writer.pipes[0].frames.clear()
    pauses_s = [(after - before) / 5 for before, after in pairwise(rounds)]
    assert [2, 4, 8, 16, 32, 60, 60] == pytest.approx(pauses_s, abs=0.3)
    for _ in range(400):
        step()
        writer.work()
    assert list(range(500)) == writer.stored[SESSION]


def test_what_was_only_late_is_not_sent_twice(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal, 50)
    for _ in range(8):
        step()
    late = writer.work()
    assert [*spans(50), *spans(1)] == late
    for _ in range(8):
        step()
    assert [] == writer.work()


@pytest.mark.usefixtures("_small_files")
def test_the_journal_is_trimmed_below_what_is_committed_not_below_what_is_expected(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal, 4)
    step()
    writer.work()
    step()
    assert 0 == journal.base
    writer.commit()
    step()
    assert 30 == journal.base


@pytest.mark.usefixtures("_small_files")
def test_a_writer_that_wants_what_was_trimmed_is_sent_what_there_is(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal, 4)
    journal.trim(20)
    writer.take(make_frame(0, 5))
    step()
    assert spans(2, 2) == writer.work()
    assert {SESSION: [(5, 20)]} == writer.holes
    assert [*range(5), *range(20, 40)] == writer.stored[SESSION]


def test_damage_becomes_a_hole_once_what_precedes_it_is_committed(
    journal: Journal, writer: FakeWriter, step: Step
) -> None:
    fill(journal)
    start = journal.bytes
    fill(journal, 2)
    path = journal.path / "000000000000.journal"
    data = bytearray(path.read_bytes())
    data[start] ^= 1
    path.write_bytes(data)
    step()
    assert spans(1) == writer.work()
    for _ in range(20):
        step()
    assert [] == writer.work()
    writer.commit()
    step()
    assert spans(1, 2) == writer.work()
    assert {SESSION: [(10, 20)]} == writer.holes
    assert [*range(10), *range(20, 30)] == writer.stored[SESSION]


@pytest.mark.usefixtures("_small_files")
@pytest.mark.parametrize("watermark", [(31, 31), (0, 31), (10**9, 10**9)])
def test_a_watermark_beyond_the_journal_is_told_once_and_touches_nothing(
    journal: Journal,
    step: Step,
    writer: FakeWriter,
    caplog: pytest.LogCaptureFixture,
    watermark: tuple[int, int],
) -> None:
    fill(journal, 2)
    step()
    writer.work()
    journal.append(make_end(20))
    writer.committed[SESSION], writer.expected[SESSION] = watermark
    for _ in range(10):
        step()
    assert 0 == journal.base
    assert [] == writer.work()
    assert journal.path.is_dir()
    assert [logging.ERROR] == [each.levelno for each in caplog.records]


def abandon(folder: Path, session: str, frames: int = 2, *, has_ended: bool = True) -> Path:
    journal = Journal.create(folder, session)
    for number in range(frames):
        journal.append(make_frame(10 * number, 10, session=session))
    if has_ended:
        journal.append(make_end(journal.next_number, session=session))
    journal.close()
    return journal.path


def adopt(path: Path) -> Journal:
    journal = Journal.adopt(path)
    assert journal is not None
    return journal


def test_an_adopted_journal_goes_when_its_end_is_committed(
    tmp_path: Path, journal: Journal, sender: Sender, writer: FakeWriter, step: Step
) -> None:
    old = adopt(abandon(tmp_path, "1-toy-a"))
    sender.add(old)
    assert [journal, old] == sender.journals
    step()
    writer.work()
    step()
    assert old.path.is_dir()
    assert [old, journal] == sender.journals
    writer.commit()
    step()
    assert not old.path.exists()
    assert [journal] == sender.journals
    assert list(range(21)) == writer.stored["1-toy-a"]
    assert [False, True] == sorted(pipe.is_closed for pipe in writer.pipes)
    step()


def test_a_journal_that_has_not_ended_stays_however_much_is_committed(
    tmp_path: Path, sender: Sender, writer: FakeWriter, step: Step
) -> None:
    old = adopt(abandon(tmp_path, "1-toy-a", has_ended=False))
    sender.add(old)
    for _ in range(3):
        step()
        writer.work()
        writer.commit()
    assert list(range(20)) == writer.stored["1-toy-a"]
    assert old.path.is_dir()


def test_every_journal_has_a_pipe_of_its_own_and_the_oldest_comes_first(
    tmp_path: Path, journal: Journal, sender: Sender, writer: FakeWriter, step: Step
) -> None:
    fill(journal)
    for session in ("2-toy-a", "1-toy-a"):
        sender.add(adopt(abandon(tmp_path, session)))
    step()
    in_pipes = [{decode(data).session for data in pipe.frames} for pipe in writer.pipes]
    assert [{"1-toy-a"}, {"2-toy-a"}, {SESSION}] == sorted(in_pipes, key=max)
    assert ["1-toy-a", "2-toy-a", SESSION] == [each.session for each in sender.journals]


@pytest.mark.parametrize("call", ["fdatasync", "pread"])
def test_a_disk_that_refuses_our_own_journal_ends_the_process(
    tmp_path: Path,
    journal: Journal,
    sender: Sender,
    writer: FakeWriter,
    monkeypatch: pytest.MonkeyPatch,
    *,
    call: str,
) -> None:
    fill(journal)
    with monkeypatch.context() as broken:
        broken.setattr(os, call, refuse)
        with pytest.raises(JournalError, match=r"cannot go on: .*Input/output error"):
            sender.run(threading.Event())
    # No socket stands in the way of the end, and nobody adopts what is still being written.
    assert [True] == [pipe.is_closed for pipe in writer.pipes]
    assert [] == leftovers(tmp_path)


def test_an_adopted_journal_that_cannot_go_on_is_left_and_holds_up_nobody(
    journal: Journal,
    sender: Sender,
    writer: FakeWriter,
    step: Step,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = abandon(journal.path.parent, "1-toy-a", has_ended=False)
    first = path / "000000000000.journal"
    first.write_bytes(first.read_bytes() + pack(encode(make_foreign(99, session="1-toy-a"))))
    (path / "000000000020.journal").write_bytes(pack(encode(make_end(20, session="1-toy-a"))))
    sender.add(adopt(path))
    fill(journal)
    step()
    writer.work()
    assert {"1-toy-a": list(range(20)), SESSION: list(range(10))} == writer.stored
    assert [journal] == sender.journals
    assert [path] == leftovers(path.parent)
    assert [(logging.ERROR, "1-toy-a")] == [
        (each.levelno, vars(each)["session"]) for each in caplog.records
    ]
    fill(journal)
    step()
    assert spans(1, 1) == writer.work()


def test_the_last_effort_syncs_and_sends_what_is_left(
    tmp_path: Path, journal: Journal, writer: FakeWriter
) -> None:
    stop = threading.Event()
    sender = Sender([journal], writer.make_pipe, writer, time.monotonic)
    sender.step()
    fill(journal, 3 * FRAMES_PER_STEP_MAX)
    stop.set()
    sender.run(stop)
    assert spans(3 * FRAMES_PER_STEP_MAX) == writer.work()
    assert [] == sender.journals
    assert writer.pipes[0].is_closed
    assert [journal.path] == leftovers(tmp_path)


def test_the_last_effort_is_bounded(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "DRAIN_S", 0.01)
    writer = FakeWriter(pipe_frames_max=3)
    stop = threading.Event()
    sender = Sender([journal], writer.make_pipe, writer, time.monotonic)
    fill(journal, 10)
    stop.set()
    sender.run(stop)
    assert spans(3) == writer.work()
    assert 100 == journal.synced


def test_without_a_writer_the_last_effort_is_a_sync(journal: Journal, writer: FakeWriter) -> None:
    writer.is_alive = False
    stop = threading.Event()
    sender = Sender([journal], writer.make_pipe, writer, time.monotonic)
    fill(journal)
    stop.set()
    sender.run(stop)
    assert 10 == journal.synced
    assert [] == writer.work()


def test_closing_lets_go_of_what_was_only_just_added(
    tmp_path: Path, sender: Sender, journal: Journal
) -> None:
    sender.add(adopt(abandon(tmp_path, "1-toy-a")))
    sender.close()
    assert ["1-toy-a", SESSION] == [path.name for path in leftovers(tmp_path)]
    assert not journal.ended
