"""When a process or a machine stood still."""

from shared.transport.standstill import STANDSTILL_S, Standstill
from tests.support.toys import SECOND

LONG_S = STANDSTILL_S + 1


def test_the_first_look_finds_none() -> None:
    assert 0.0 == Standstill().look(5, 7.0)


def test_each_look_is_compared_with_the_one_before_by_both_clocks() -> None:
    standstill = Standstill()
    standstill.look(0, 0.0)
    ts, now_s = int(STANDSTILL_S * SECOND), STANDSTILL_S
    assert 0.0 == standstill.look(ts, now_s)
    assert LONG_S == standstill.look(ts, now_s + LONG_S)  # the process was stopped
    ts += int(LONG_S * SECOND)
    assert LONG_S == standstill.look(ts, now_s + LONG_S)  # the machine slept
    assert 0.0 == standstill.look(0, now_s + LONG_S)  # the clock was set back


def test_what_was_forgotten_is_not_compared() -> None:
    standstill = Standstill()
    standstill.look(0, 0.0)
    standstill.forget()
    assert 0.0 == standstill.look(int(LONG_S * SECOND), LONG_S)
