"""Paces the reads of one socket: if messages come fast, one read takes several.

Waking costs more than reading. If messages come slowly, we read each one as it comes, so that
receive times stay exact; we do the same if they come in bursts, because waiting would save no
waking. Only reads without a pause show bursts, so every `PROBE_S` we read without one for a while.
"""

from math import inf
from typing import Final

WINDOW_S: Final = 1.0  # how long we count messages before the pace may change
MESSAGES_MIN: Final = 1.5  # in one interval; with fewer a wait does not pay
TOGETHER_S: Final = 0.0002  # the most between two reads, if the second did not wait
PROBE_S: Final = 30.0  # between two looks for bursts


class Pace:
    """Counts the messages of one connection."""

    def __init__(self, interval_s: float) -> None:
        """Begin with a read for each message; an interval of 0 keeps it so."""
        self.is_batched = False
        self._interval_s = interval_s
        self._messages = 0
        self._since_s: float | None = None
        self._read_s = -inf
        self._probed_s = 0.0

    def count_read(self, messages: int, now_s: float) -> None:
        """Count a read that waited for messages as one; of a batched read count the messages."""
        if not self.is_batched:
            self._probed_s = now_s
        elif now_s - self._probed_s >= PROBE_S:
            self.is_batched = False
            self._messages, self._since_s = 0, now_s
        is_waited = now_s - self._read_s > TOGETHER_S
        self._read_s = now_s
        self.count(messages if self.is_batched else is_waited, now_s)

    def count(self, messages: int, now_s: float) -> None:
        """Count messages, even none; once per window decide on batches."""
        self._messages += messages
        if self._since_s is None:
            self._since_s = now_s
        elapsed_s = now_s - self._since_s
        if elapsed_s >= WINDOW_S:
            in_interval = self._messages * self._interval_s / elapsed_s
            self.is_batched = in_interval > MESSAGES_MIN
            self._messages, self._since_s = 0, now_s
