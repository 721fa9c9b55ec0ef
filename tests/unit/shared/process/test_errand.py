"""Work on a thread of its own."""

from threading import Event, current_thread

import pytest

from shared.process.errand import start_errand

WAIT_S = 10.0


def test_nobody_waits_for_an_errand_who_does_not_want_to() -> None:
    go_on = Event()
    errand = start_errand(lambda: go_on.wait(WAIT_S))
    assert not errand.done()
    go_on.set()
    assert errand.result(WAIT_S)


def test_an_errand_has_a_thread_of_its_own_that_ends_with_the_process() -> None:
    thread = start_errand(current_thread).result(WAIT_S)
    assert thread is not current_thread()
    assert thread.daemon


def test_what_an_errand_raises_is_raised_to_who_asks() -> None:
    with pytest.raises(ZeroDivisionError):
        start_errand(lambda: 1 // 0).result(WAIT_S)
