"""The machine's clock, looked at once a second: whoever set it is a row."""

from collections.abc import Callable
from typing import Final

from shared.event import Record, feed_event
from shared.process import log

CLOCK_STEP_NS: Final = 500_000_000  # between two looks; slewing is a thousand times slower

_log = log.get(__name__)


class ClockWatch:
    """Records when the clock was set, which the steady clock tells."""

    def __init__(
        self, *, record: Record, clock_ns: Callable[[], int], steady_ns: Callable[[], int]
    ) -> None:
        """Begin with the clock as it stands."""
        self._record = record
        self._clock_ns = clock_ns
        self._steady_ns = steady_ns
        self._ahead_ns = clock_ns() - steady_ns()

    def look(self) -> None:
        """Take note of what changed since the last look."""
        ahead_ns = self._clock_ns() - self._steady_ns()
        step_ns = ahead_ns - self._ahead_ns
        self._ahead_ns = ahead_ns
        if abs(step_ns) > CLOCK_STEP_NS:
            step_s = step_ns / 1e9
            _log.warning("the clock was set", extra={"step_s": step_s})
            self._record(self._clock_ns(), None, feed_event("clock_step", step_s=step_s))
