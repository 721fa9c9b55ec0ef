import signal

import pytest

from services.operator.commands.stopping import catch_stop
from shared.process.signals import STOP_SIGNALS


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_asks_to_stop_and_nobody_dies(number: signal.Signals) -> None:
    with catch_stop() as stopping:
        assert 0 == stopping.count
        signal.raise_signal(number)
        assert stopping.is_asked
        assert stopping.wait(60)
        signal.raise_signal(number)
        assert 2 == stopping.count


def test_without_a_signal_the_wait_takes_its_time() -> None:
    with catch_stop() as stopping:
        assert not stopping.wait(0.01)


def test_what_was_before_comes_back() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with catch_stop():
        assert before != [signal.getsignal(number) for number in STOP_SIGNALS]
    assert before == [signal.getsignal(number) for number in STOP_SIGNALS]


def test_what_is_forgotten_is_not_asked_any_more() -> None:
    with catch_stop() as stopping:
        signal.raise_signal(signal.SIGTERM)
        stopping.forget()
        assert not stopping.is_asked
