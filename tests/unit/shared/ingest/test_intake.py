"""What other threads have for the recorder, and what wakes it."""

from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from typing_extensions import override

from shared.event import Row
from shared.ingest import intake as module
from shared.ingest.intake import Intake
from shared.transport.inbox import MESSAGES_EAGER
from tests.support.toys import trade

WAIT_S = 10.0
ROW: Row = (1, "BTC-EUR", trade(1))


class Source:
    """A source with so many messages."""

    def __init__(self, backlog: int = 0) -> None:
        self.messages = backlog

    @property
    def backlog(self) -> int:
        return self.messages

    def digest(self) -> Iterator[list[Row]]:
        raise AssertionError


@pytest.fixture
def intake() -> Intake:
    return Intake()


def rings(intake: Intake) -> bool:
    """Say whether somebody rang; silent again behind it."""
    return intake._alarm.wait(0.0)


def test_rows_are_taken_once_in_their_order(intake: Intake) -> None:
    rows: list[Row] = [(number, None, trade(number)) for number in range(3)]
    intake.record(rows[:1])
    intake.record(iter(rows[1:]))
    assert intake.has_work
    assert rows == intake.take()
    assert [] == intake.take()
    assert not intake.has_work


def test_a_source_with_messages_is_work(intake: Intake) -> None:
    intake.attach(Source())
    assert not intake.has_work
    intake.attach(Source(1))
    assert intake.has_work


def test_who_is_awake_is_woken_only_for_what_is_too_much_to_wait(intake: Intake) -> None:
    intake.announce(1)
    intake.record([ROW])
    assert not rings(intake)
    intake.announce(MESSAGES_EAGER)
    assert rings(intake)


def test_who_sleeps_is_woken_by_the_first_message(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_S", WAIT_S * 10)
    wakes: list[Callable[[], None]] = [lambda: intake.announce(1), lambda: intake.record([ROW])]
    for wake in wakes:
        woken: list[bool] = []
        thread = Thread(target=lambda: woken.append(intake.sleep()))  # noqa: B023 - joined below
        thread.start()
        while not intake._is_idle:
            pass
        wake()
        thread.join(WAIT_S)
        assert [True] == woken


def test_who_sleeps_wakes_for_what_else_may_be_due(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.001)
    intake.record([])
    assert not intake.sleep()


def test_what_came_before_the_sleep_is_seen(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(Source):
        """Has its message just when somebody lies down."""

        @property
        @override
        def backlog(self) -> int:
            return int(intake._is_idle)

    monkeypatch.setattr(module, "IDLE_S", WAIT_S * 10)
    intake.attach(Late())
    assert intake.sleep()


def test_a_wait_ends_where_there_is_much(intake: Intake) -> None:
    intake.announce(MESSAGES_EAGER)
    intake.wait(WAIT_S * 10)
    intake.wait(0.001)


def test_it_has_room_for_some_rows_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_MAX", 2)
    intake = Intake()
    had_room = []
    for number in (1, 2):
        had_room.append(intake.has_room)
        intake.record([(number, "BTC-EUR", trade(number))])
    assert [True, True, False] == [*had_room, intake.has_room]
    intake.take()
    assert intake.has_room
