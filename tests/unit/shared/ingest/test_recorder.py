"""Events on their way into a real journal."""

import errno
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from typing_extensions import override

from shared.delivery.cursor import Cursor
from shared.delivery.frame import DAY_NS, Columns, Frame, decode, decode_columns
from shared.delivery.journal import Journal
from shared.event import Recorded, Row, Ticker, Trade, feed_event
from shared.ingest import intake as intake_module
from shared.ingest import recorder as module
from shared.ingest.intake import Intake
from shared.ingest.recorder import Recorder, end_session
from shared.transport.inbox import MESSAGES_EAGER
from tests.support.columns import unpack
from tests.support.frames import SESSION
from tests.support.toys import book, delta, trade

WAIT_S = 10.0
NOON = 20_000 * DAY_NS + DAY_NS // 2
LONG = "x" * 10_000


class World:
    """A recorder, and the frames that its journal has."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal.create(folder / "journal" / "toy", SESSION)
        self.intake = Intake()
        self.recorder = Recorder(self.journal, self.intake, lambda: NOON)

    def record(self, *numbers: int) -> None:
        for number in numbers:
            self.intake.record([(NOON + number, "BTC-EUR", trade(number))])

    def frames(self) -> list[Frame]:
        self.journal.sync()
        cursor = Cursor(self.journal)
        frames: list[Frame] = []
        while data := cursor.peek(0):
            frames.append(decode(data))
            cursor.advance()
        cursor.close()
        return frames

    def columns(self) -> list[Columns]:
        return [decode_columns(frame) for frame in self.frames()]

    def ids(self) -> list[int]:
        """Return the trades that are written, which are numbered without a gap."""
        frames = self.frames()
        numbers = [number for frame in frames for number in range(frame.first, frame.last + 1)]
        assert list(range(len(numbers))) == numbers
        tables = [decode_columns(frame).trades for frame in frames]
        return [int(one[1:]) for table in tables if table for one in table.trade_id]

    def end(self) -> Any:
        """Return the detail of the last event, which has to be the end."""
        events = self.columns()[-1].feed_events
        assert events is not None
        assert "session_end" == events.kind[-1]
        return msgspec.json.decode(events.detail[-1])

    @contextmanager
    def full_disk(self, room: int = 0) -> Iterator[None]:
        """Let so many bytes be written; what is written of more is cut off again."""
        pwrite = os.pwrite

        def write(descriptor: int, data: bytes, offset: int) -> int:
            nonlocal room
            if not room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if len(data) > room:
                return pwrite(descriptor, data[:room], offset)
            room -= len(data)
            return pwrite(descriptor, data, offset)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "pwrite", write)
            yield

    @contextmanager
    def run(self) -> Iterator[None]:
        stop = Event()
        thread = Thread(target=self.recorder.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            self.intake.announce(MESSAGES_EAGER)
            thread.join(WAIT_S)
            assert not thread.is_alive()


class Source:
    """Messages that become trades, two a turn."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)
        self.turns = 0

    @property
    def backlog(self) -> int:
        return len(self.numbers)

    def digest(self) -> Iterator[list[Row]]:
        self.turns += 1
        for _ in range(min(2, len(self.numbers))):
            number = self.numbers.pop(0)
            yield [(NOON + number, "BTC-EUR", trade(number))]


def wait_until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.001)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.journal.close()


# --- what is written -----------------------------------------------------------------------------


def test_a_session_begins_with_its_start(world: World) -> None:
    world.recorder.begin(symbols="all", transport="rest")
    world.record(1)
    assert world.recorder.step()
    events = world.columns()[0].feed_events
    assert events is not None
    assert (["session_start"], [0], [NOON]) == (events.kind, events.offset, events.ts_recv)
    assert {"symbols": "all", "transport": "rest"} == msgspec.json.decode(events.detail[0])
    assert 2 == world.recorder.view.events


def test_events_are_numbered_in_the_order_in_which_they_came(world: World) -> None:
    events: list[tuple[str | None, Recorded]] = [
        ("A", book("A", 1)),
        ("B", trade(7, "B")),
        ("A", delta("A", 2)),
        ("B", Ticker("B", last_price=3.0)),
        (None, feed_event("connected")),
    ]
    for ts, (symbol, event) in enumerate(events):
        world.intake.record([(NOON + ts, symbol, event)])
    assert world.recorder.step()
    (frame,) = world.frames()
    columns = decode_columns(frame)
    assert (0, 4) == (frame.first, frame.last)
    tables = (columns.trades, columns.ticker, columns.feed_events)
    assert [0, 2] == unpack(columns.book, "offset")
    assert [[1], [3], [4]] == [table.offset for table in tables if table]


def test_nothing_to_write_writes_nothing(world: World) -> None:
    assert world.recorder.step()
    assert [] == world.frames()


def test_a_frame_is_cut_where_it_is_full(world: World) -> None:
    for number in range(20):
        world.intake.record([(NOON, None, feed_event("malformed", raw=LONG, number=number))])
    assert world.recorder.step()
    spans = [(frame.first, frame.last) for frame in world.frames()]
    assert [(0, 6), (7, 13), (14, 19)] == spans


def test_a_frame_is_of_one_day(world: World) -> None:
    midnight = 20_001 * DAY_NS
    for ts in (midnight - 1, midnight, midnight + 1, midnight - 5):
        world.intake.record([(ts, "BTC-EUR", trade(ts))])
    assert world.recorder.step()
    assert [(0, 0, 20_000), (1, 2, 20_001), (3, 3, 20_000)] == [
        (frame.first, frame.last, frame.day) for frame in world.frames()
    ]


def test_rows_about_the_feed_are_counted_by_kind(world: World) -> None:
    for event in (feed_event("gap"), feed_event("malformed"), feed_event("gap")):
        world.intake.record([(NOON, None, event)])
    world.record(1)
    world.recorder.step()
    assert 4 == world.recorder.view.events
    assert {"gap": 2, "malformed": 1} == world.recorder.view.kinds


# --- where messages come from --------------------------------------------------------------------


def test_sources_have_their_turn_until_none_has_any_more(world: World) -> None:
    much, little = Source(1, 2, 3, 4, 5), Source(10, 11, 12)
    world.intake.attach(much)
    world.intake.attach(little)
    world.record(0)
    assert world.recorder.step()
    assert [0, 1, 2, 10, 11, 3, 4, 12, 5] == world.ids()


def test_what_is_recorded_during_the_last_turn_precedes_the_end(world: World) -> None:
    class Telling(Source):
        @override
        def digest(self) -> Iterator[list[Row]]:
            yield from super().digest()
            if not self.numbers and self.turns == 1:
                world.record(7)

    world.intake.attach(Telling(1))
    assert world.recorder.end()
    assert [1, 7] == world.ids()
    assert world.end()


def test_a_source_without_messages_has_its_turn_for_what_else_is_due(world: World) -> None:
    source = Source()
    world.intake.attach(source)
    assert world.recorder.step()
    assert 1 == source.turns


# --- a disk that is slow or full -----------------------------------------------------------------


def test_what_the_disk_refuses_is_written_later_and_nothing_is_lost(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.record(1)
    world.recorder.step()
    with world.full_disk(), caplog.at_level(logging.ERROR):
        world.record(2, 3)
        for _ in range(3):
            assert not world.recorder.step()
        world.record(4)
        assert not world.recorder.step()
        assert "make room" in (world.recorder.view.error or "")
    assert ["the disk refuses the journal; retrying"] == [r.message for r in caplog.records]
    assert [1] == world.ids()
    assert world.recorder.step()
    assert [1, 2, 3, 4] == world.ids()
    assert world.recorder.view.error is None


def test_a_disk_that_fills_up_between_two_frames_costs_no_event(world: World) -> None:
    for number in range(30):
        event = Trade("BTCEUR", f"t{number}", None, 1.0, 1.0)
        world.intake.record([(NOON + number * DAY_NS, "BTC-EUR", event)])
    with world.full_disk(room=1_500):
        assert not world.recorder.step()
        written = len(world.ids())
        assert 0 < written < 30
        assert not world.recorder.step()
    assert world.recorder.step()
    assert list(range(30)) == world.ids()


# --- the thread ----------------------------------------------------------------------------------


def test_the_thread_writes_what_comes_and_at_the_end_what_is_left(world: World) -> None:
    source = Source()
    world.intake.attach(source)
    with world.run():
        world.record(1)
        wait_until(lambda: world.journal.next_number == 1)
        wait_until(lambda: world.intake._is_idle)
        source.numbers += [2, 3]
        world.intake.announce(2)
        wait_until(lambda: world.journal.next_number == 3)
        source.numbers += range(4, 1000)
        world.intake.announce(996)
    assert list(range(1, 1000)) == world.ids()


def test_what_is_there_before_the_thread_is_written_as_well(world: World) -> None:
    world.intake.announce(1)
    world.record(1)
    with world.run():
        wait_until(lambda: world.journal.next_number == 1)


def test_the_thread_does_not_sleep_over_what_came_when_it_lay_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(Source):
        """Has its message just when the thread has looked for one."""

        is_late = True

        @property
        @override
        def backlog(self) -> int:
            if world.intake._is_idle and self.is_late:
                self.numbers, self.is_late = [1], False
            return len(self.numbers)

    monkeypatch.setattr(intake_module, "IDLE_S", WAIT_S * 10)
    world.intake.attach(Late())
    with world.run():
        wait_until(lambda: world.journal.next_number == 1)
        monkeypatch.setattr(intake_module, "IDLE_S", 0.01)
        world.intake.announce(MESSAGES_EAGER)
    assert [1] == world.ids()


def test_an_event_wakes_the_thread_whoever_records_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "IDLE_S", WAIT_S * 10)
    with world.run():
        wait_until(lambda: world.intake._is_idle)
        world.record(1)
        wait_until(lambda: world.journal.next_number == 1)
        wait_until(lambda: world.intake._is_idle)


@pytest.mark.parametrize(
    ("numbers", "waits"),
    [
        ([[]], ["20 ms", "long"]),  # nothing comes: one look, not two
        ([[1]], ["20 ms", "long"]),  # the next one is far
        ([[1, 2]], ["20 ms", "20 ms"]),  # the next ones are near
        ([[1, 2], []], ["20 ms", "20 ms", "long"]),
    ],
)
def test_the_thread_waits_as_events_come(
    world: World, numbers: list[list[int]], waits: list[str]
) -> None:
    stop = Event()
    seen: list[str] = []

    class Waits(Intake):
        """Hands over some numbers at each wait, and stops the thread at the last."""

        @override
        def wait(self, timeout_s: float) -> None:
            assert module.FRAME_INTERVAL_S == timeout_s
            self._take_turn("20 ms")

        @override
        def sleep(self) -> bool:
            self._take_turn("long")
            return False

        def _take_turn(self, name: str) -> None:
            seen.append(name)
            if numbers:
                world.record(*numbers.pop(0))
            else:
                stop.set()

    world.intake = Waits()
    Recorder(world.journal, world.intake, lambda: NOON).run(stop)
    assert waits == seen


def test_the_thread_does_what_is_due_without_any_message(world: World) -> None:
    source = Source()
    world.intake.attach(source)
    with world.run():
        wait_until(lambda: source.turns >= 3)
        world.intake.announce(0)
    assert [] == world.frames()


def test_the_thread_outlives_a_full_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.001)
    world.record(1)
    world.recorder.step()
    with world.run():
        with world.full_disk():
            world.record(2)
            wait_until(lambda: world.recorder.view.error is not None)
        wait_until(lambda: world.journal.next_number == 2)
    assert [1, 2] == world.ids()


# --- the end -------------------------------------------------------------------------------------


def test_a_session_ends_with_how_many_events_it_has(world: World) -> None:
    world.record(1, 2)
    assert world.recorder.end()
    assert {"reason": "stopped", "events": 3} == world.end()
    assert world.journal.ended


def test_a_session_without_any_event_ends_too(world: World) -> None:
    assert world.recorder.end()
    assert {"reason": "stopped", "events": 1} == world.end()


def test_while_events_cannot_be_written_the_session_does_not_end(world: World) -> None:
    world.record(1)
    world.recorder.step()
    # There is room for the end, but not for what comes before it.
    with world.full_disk(room=300):
        world.intake.record([(NOON, None, feed_event("malformed", raw=LONG))])
        assert not world.recorder.end()
    assert not world.journal.ended


def test_an_end_that_cannot_be_written_is_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.record(1)
    world.recorder.step()
    with world.full_disk(), caplog.at_level(logging.ERROR):
        assert not world.recorder.end()
    assert ["cannot end the session"] == [record.message for record in caplog.records]
    assert not world.journal.ended


def test_who_adopts_a_journal_ends_its_session(tmp_path: Path, world: World) -> None:
    world.record(1, 2)
    world.recorder.step()
    world.journal.close()
    adopted = Journal.adopt(tmp_path / "journal" / "toy" / SESSION)
    assert adopted is not None
    end_session(adopted, NOON + 5, reason="killed")
    world.journal = adopted
    assert {"reason": "killed", "events": 3} == world.end()
    assert [1, 2] == world.ids()


def test_how_late_an_event_comes_is_known_where_its_exchange_says_when_it_was(
    world: World,
) -> None:
    delays = []
    for ts_event in (None, NOON - 20_000_000, None):
        world.intake.record([(NOON, "BTC-EUR", replace(trade(1), ts_event=ts_event))])
        world.recorder.step()
        delays.append(world.recorder.view.delay_ns)
    assert [None, 20_000_000, 20_000_000] == delays
