"""Paces the reads of one socket: where messages come thickly, one read takes several.

To be woken costs more than to read. A socket on which messages come thinly is read at each message,
so that its receive times stay exact.
"""

from typing import Final

WINDOW_S: Final = 1.0  # how long messages are counted before the pace changes
MESSAGES_MIN: Final = 1.5  # in one interval, for a wait to be worth while


class Pace:
    """Counts the messages of one connection."""

    def __init__(self, interval_s: float) -> None:
        """Begin at each message; an interval of 0 leaves it so."""
        self.is_batched = False
        self._interval_s = interval_s
        self._messages = 0
        self._since_s: float | None = None

    def count(self, messages: int, now_s: float) -> None:
        """Take note of what a read brought, which may be nothing."""
        self._messages += messages
        if self._since_s is None:
            self._since_s = now_s
        elapsed_s = now_s - self._since_s
        if elapsed_s >= WINDOW_S:
            in_interval = self._messages * self._interval_s / elapsed_s
            self.is_batched = in_interval > MESSAGES_MIN
            self._messages, self._since_s = 0, now_s
