"""When the messages of a socket are read together."""

from socket import socketpair

import pytest

from shared.transport.pace import MESSAGES_MIN, PROBE_S, WINDOW_S, Pace, count_wakes

INTERVAL_S = 0.002
THICK = int(MESSAGES_MIN / INTERVAL_S) + 1  # messages of one window


def count(pace: Pace, messages: int, *, from_s: float) -> bool:
    """Count the messages of a window in ten reads; return what follows from them."""
    pace.count(0, from_s)
    for number in range(1, 11):
        pace.count(messages // 10, from_s + number * WINDOW_S / 10)
    return pace.is_batched


def test_it_begins_at_each_message() -> None:
    assert not Pace(INTERVAL_S).is_batched


def test_messages_that_come_thickly_are_read_together_from_the_next_window_on() -> None:
    pace = Pace(INTERVAL_S)
    pace.count(0, 7.0)
    pace.count(10 * THICK, 7.0 + WINDOW_S / 2)
    assert not pace.is_batched
    pace.count(1, 7.0 + WINDOW_S)
    assert pace.is_batched


def test_messages_that_come_thinly_are_read_each_at_once_again() -> None:
    pace = Pace(INTERVAL_S)
    assert count(pace, 2 * THICK, from_s=7.0)
    assert count(pace, 2 * THICK, from_s=8.0)
    assert not count(pace, THICK // 2, from_s=9.0)


def test_silence_counts_too() -> None:
    pace = Pace(INTERVAL_S)
    assert count(pace, 2 * THICK, from_s=7.0)
    pace.count(0, 7.0 + 2 * WINDOW_S)
    assert not pace.is_batched


def test_without_an_interval_each_message_is_read_at_once_however_many_come() -> None:
    assert not count(Pace(0.0), 1_000_000, from_s=7.0)


class Wakes:
    """Counts the wakes of a thread that reads each message; `together` of them wake it once."""

    def __init__(self, together: int = 1) -> None:
        self.together = together
        self.count = 1000

    def read(self, pace: Pace, messages: int, *, from_s: float) -> bool:
        """Count a window of messages, evenly read; return what follows from them."""
        for number in range(messages):
            self.count += number % self.together == 0
            pace.count(1, from_s + number * WINDOW_S / messages)
        pace.count(0, from_s + WINDOW_S)
        return pace.is_batched

    def __call__(self) -> int:
        return self.count


def test_messages_that_wake_us_one_by_one_are_read_together() -> None:
    wakes = Wakes()
    assert wakes.read(Pace(INTERVAL_S, wakes), 2 * THICK, from_s=7.0)


def test_messages_that_come_many_at_once_are_not_waited_for() -> None:
    wakes = Wakes(together=4)
    pace = Pace(INTERVAL_S, wakes)
    assert not wakes.read(pace, 2 * THICK, from_s=7.0)
    assert not wakes.read(pace, 2 * THICK, from_s=8.0)
    wakes.together = 1
    assert wakes.read(pace, 2 * THICK, from_s=9.0)


def test_wakes_without_messages_do_not_count() -> None:
    wakes = Wakes()
    pace = Pace(INTERVAL_S, wakes)
    pace.count(1, 7.0)
    wakes.count += 10 * THICK
    pace.count(1, 7.0 + WINDOW_S)
    assert not pace.is_batched


def test_how_messages_come_is_looked_at_again_and_again() -> None:
    wakes = Wakes()
    pace = Pace(INTERVAL_S, wakes)
    assert wakes.read(pace, 2 * THICK, from_s=0.0)
    is_batched = []
    for second in range(2, int(PROBE_S + WINDOW_S) + 1):
        pace.count(10 * THICK, float(second))
        is_batched.append(pace.is_batched)
    assert [False] == is_batched[-1:]
    assert {True} == set(is_batched[:-1])
    assert wakes.read(pace, 2 * THICK, from_s=PROBE_S + WINDOW_S)


def test_the_system_counts_each_wait_of_a_thread() -> None:
    before = count_wakes()
    ours, theirs = socketpair()
    with ours, theirs:
        ours.settimeout(0.001)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                ours.recv(1)
    assert count_wakes() >= before + 3
