import signal

from shared.process.signals import STOP_SIGNALS


def test_whatever_a_terminal_or_a_supervisor_sends_asks_to_drain() -> None:
    assert {signal.SIGTERM, signal.SIGINT, signal.SIGHUP} == set(STOP_SIGNALS)
