"""Counts stop signals, so that a loop ends between two looks."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from shared.process.signals import STOP_SIGNALS

LOOK_S = 0.2


class Stopping:
    """Holds whether a signal asked us to stop; a flag, because no handler may set an Event."""

    def __init__(self) -> None:
        self.count = 0

    @property
    def is_asked(self) -> bool:
        """Return whether a signal came."""
        return self.count > 0

    def wait(self, seconds: float) -> bool:
        """Wait for the seconds, or until a signal comes; return whether one came."""
        end_s = time.monotonic() + seconds
        while not self.is_asked and (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(left_s, LOOK_S))
        return self.is_asked

    def forget(self) -> None:
        """Forget the signal: its stop is done, and the next step must not stop at once."""
        self.count = 0

    def _ask(self, _: int, __: FrameType | None) -> None:
        self.count += 1


@contextmanager
def catch_stop() -> Iterator[Stopping]:
    """Count the stop signals instead of dying of them."""
    stopping = Stopping()
    before = {number: signal.signal(number, stopping._ask) for number in STOP_SIGNALS}  # noqa: SLF001
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
