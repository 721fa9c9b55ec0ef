"""Watches the machine's clock once a second, and makes a row when somebody sets it."""

from collections.abc import Callable
from typing import Final

from shared.event import FeedEvent, feed_event
from shared.process import log

CLOCK_STEP_NS: Final = 500_000_000  # between two looks: slewing is a thousand times slower

_log = log.get(__name__)


class ClockWatch:
    """Compares the clock with the steady one, to notice steps; the main thread owns it."""

    def __init__(self, *, clock_ns: Callable[[], int], steady_s: Callable[[], float]) -> None:
        """Begin with the clock's present time."""
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._ahead_ns = self._find_ahead_ns()
        self.has_gone_back = False  # at the last look

    def look(self) -> FeedEvent | None:
        """Return the row to record if the clock was set since the last look."""
        ahead_ns = self._find_ahead_ns()
        step_ns = ahead_ns - self._ahead_ns
        self._ahead_ns = ahead_ns
        self.has_gone_back = step_ns < -CLOCK_STEP_NS
        if abs(step_ns) <= CLOCK_STEP_NS:
            return None
        _log.warning("the clock was set", extra={"step_s": step_ns / 1e9})
        return feed_event("clock_step", step_s=step_ns / 1e9)

    def _find_ahead_ns(self) -> int:
        return self._clock_ns() - round(self._steady_s() * 1e9)
