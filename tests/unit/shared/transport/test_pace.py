"""When the messages of a socket are read together."""

from shared.transport.pace import MESSAGES_MIN, PROBE_S, TOGETHER_S, WINDOW_S, Pace

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


def count_reads(pace: Pace, reads: int, *, from_s: float, together: int = 1) -> bool:
    """Count so many reads of a window, some of them together; return what follows from them."""
    for number in range(reads):
        at_s = from_s + (number // together) * together * WINDOW_S / reads
        pace.count_read(1, at_s + number % together * TOGETHER_S / 2)
    pace.count_read(0, from_s + WINDOW_S)
    return pace.is_batched


def test_reads_that_are_waited_for_one_by_one_are_made_together() -> None:
    assert count_reads(Pace(INTERVAL_S), 2 * THICK, from_s=7.0)


def test_messages_that_come_many_at_once_are_not_waited_for() -> None:
    pace = Pace(INTERVAL_S)
    assert not count_reads(pace, 2 * THICK, from_s=7.0, together=4)
    assert not count_reads(pace, 2 * THICK, from_s=8.0, together=4)


def test_how_messages_come_is_looked_at_again_and_again() -> None:
    pace = Pace(INTERVAL_S)
    assert count_reads(pace, 2 * THICK, from_s=0.0)
    is_batched: list[bool] = []
    for second in range(2, int(PROBE_S + WINDOW_S) + 1):
        pace.count_read(10 * THICK, float(second))
        is_batched.append(pace.is_batched)
    assert [False] == is_batched[-1:]
    assert {True} == set(is_batched[:-1])
    assert count_reads(pace, 2 * THICK, from_s=PROBE_S + 2 * WINDOW_S)
