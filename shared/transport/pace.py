"""Paces the reads of one socket: if messages come fast, one read takes several.

Waking costs more than reading. If messages come slowly, we read each one as it comes, so that
receive times stay exact; we do the same if they come in bursts, because waiting would save no
waking. Only reads without a pause show bursts, so every `PROBE_S` we read without one for a while,
and count how often the thread woke up.
"""

import resource
from collections.abc import Callable
from typing import Final

WINDOW_S: Final = 1.0  # how long we count messages before the pace may change
MESSAGES_MIN: Final = 1.5  # in one interval; with fewer a wait does not pay
PROBE_S: Final = 30.0  # between two looks for bursts


def count_wakes() -> int:
    """Return how often the calling thread has waited so far, by the system's count."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


class Pace:
    """Counts the messages of one connection; the thread that reads it owns it."""

    def __init__(self, interval_s: float, count_wakes: Callable[[], int] | None = None) -> None:
        """Begin with a read for each message; an interval of 0 keeps it so.

        With `count_wakes` a message counts, while each is read as it comes, if it woke the thread.
        """
        self.is_batched = False
        self._interval_s = interval_s
        self._count_wakes = count_wakes
        self._messages = self._wakes = 0  # messages since the window began, wakes before it
        self._since_s: float | None = None
        self._probed_s = 0.0

    def count(self, messages: int, now_s: float) -> None:
        """Count messages, even none; once per window decide on batches."""
        since_s = self._since_s
        if since_s is None:
            self._begin(now_s)
            since_s = self._probed_s = now_s
        self._messages += messages
        elapsed_s = now_s - since_s
        if elapsed_s >= WINDOW_S:
            in_interval = self._count() * self._interval_s / elapsed_s
            self.is_batched = in_interval > MESSAGES_MIN and not self._is_probe_due(now_s)
            self._begin(now_s)

    def _count(self) -> int:
        if self._count_wakes is None or self.is_batched:
            return self._messages
        return min(self._messages, self._count_wakes() - self._wakes)

    def _is_probe_due(self, now_s: float) -> bool:
        if not self.is_batched:
            self._probed_s = now_s
        return self._count_wakes is not None and now_s - self._probed_s >= PROBE_S

    def _begin(self, now_s: float) -> None:
        self._messages, self._since_s = 0, now_s
        self._wakes = self._count_wakes() if self._count_wakes else 0
