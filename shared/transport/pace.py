"""Paces the reads of one socket: where messages come thickly, one read takes several.

Waking costs more than reading. Where messages come thinly, each one is read as it comes, so that
receive times stay exact; so are messages that come many at once and then none for a while, since
a wait would spare no waking. Only reads that wait for nothing show how they come: now and then
there are some.
"""

from math import inf
from typing import Final

WINDOW_S: Final = 1.0  # the time for which messages are counted before the pace changes
MESSAGES_MIN: Final = 1.5  # in one interval, for a wait to pay
TOGETHER_S: Final = 0.0002  # between two reads of which the second was not waited for
PROBE_S: Final = 30.0  # between two looks how messages come


class Pace:
    """Counts the messages of one connection."""

    def __init__(self, interval_s: float) -> None:
        """Begin at each message; an interval of 0 leaves it so."""
        self.is_batched = False
        self._interval_s = interval_s
        self._messages = 0
        self._since_s: float | None = None
        self._read_s = -inf
        self._probed_s = 0.0

    def count_read(self, messages: int, now_s: float) -> None:
        """Count a read, where it waits for messages; its messages, where it waits for time."""
        if not self.is_batched:
            self._probed_s = now_s
        elif now_s - self._probed_s >= PROBE_S:
            self.is_batched = False
            self._messages, self._since_s = 0, now_s
        is_waited = now_s - self._read_s > TOGETHER_S
        self._read_s = now_s
        self.count(messages if self.is_batched else is_waited, now_s)

    def count(self, messages: int, now_s: float) -> None:
        """Count messages, of which there may be none."""
        self._messages += messages
        if self._since_s is None:
            self._since_s = now_s
        elapsed_s = now_s - self._since_s
        if elapsed_s >= WINDOW_S:
            in_interval = self._messages * self._interval_s / elapsed_s
            self.is_batched = in_interval > MESSAGES_MIN
            self._messages, self._since_s = 0, now_s
