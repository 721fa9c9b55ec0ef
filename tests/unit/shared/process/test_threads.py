"""Threads that end together."""

import logging
from threading import Event

import pytest

from shared.process.threads import Threads

WAIT_S = 10.0


def test_a_group_ends_and_the_others_go_on() -> None:
    threads = Threads()
    ended: list[str] = []
    first, second = Event(), Event()

    def run(stop: Event) -> None:
        assert stop.wait(WAIT_S)
        ended.append("first" if stop is first else "second")

    for name, stop in (("a", first), ("b", first), ("c", second)):
        threads.start(name, run, stop)
    assert threads.end(first, within_s=WAIT_S)
    assert ["first", "first"] == ended
    assert threads.end(second, within_s=WAIT_S)
    assert ["first", "first", "second"] == ended


def test_who_does_not_end_is_named_and_waited_for_no_longer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    threads = Threads()
    stop, release = Event(), Event()

    def run(_: Event) -> None:
        release.wait(WAIT_S)

    for name in ("stubborn", "deaf"):
        threads.start(name, run, stop)
    with caplog.at_level(logging.WARNING):
        assert not threads.end(stop, within_s=0.01)
    assert [("some threads do not end", "stubborn, deaf")] == [
        (record.message, vars(record)["threads"]) for record in caplog.records
    ]
    release.set()
    assert threads.end(stop, within_s=WAIT_S)
