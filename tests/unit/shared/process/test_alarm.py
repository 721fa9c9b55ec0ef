"""An alarm that ends one wait."""

from threading import Event

from shared.process.alarm import Alarm
from shared.process.threads import Threads

WAIT_S = 10.0


def test_an_alarm_that_rang_before_ends_the_next_wait_and_no_other() -> None:
    alarm = Alarm()
    assert not alarm.wait(0.0)
    alarm.ring()
    alarm.ring()
    assert alarm.wait(0.0)
    assert not alarm.wait(0.0)


def test_an_alarm_wakes_whoever_waits() -> None:
    alarm, stop = Alarm(), Event()
    woken: list[bool] = []
    threads = Threads()
    threads.start("sleeper", lambda _: woken.append(alarm.wait(WAIT_S)), stop)
    alarm.ring()
    assert threads.end(stop, within_s=WAIT_S)
    assert [True] == woken
