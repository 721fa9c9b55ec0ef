"""Paces the reads of one socket: where messages come thickly, one read takes several.

Waking costs more than reading. Where messages come thinly, each one is read as it comes, so that
receive times stay exact.
"""

from typing import Final

WINDOW_S: Final = 1.0  # the time for which messages are counted before the pace changes
MESSAGES_MIN: Final = 1.5  # in one interval, for a wait to pay


class Pace:
    """Counts the messages of one connection."""

    def __init__(self, interval_s: float) -> None:
        """Begin at each message; an interval of 0 leaves it so."""
        self.is_batched = False
        self._interval_s = interval_s
        self._messages = 0
        self._since_s: float | None = None

    def count(self, messages: int, now_s: float) -> None:
        """Count the messages of one read, which may have none."""
        self._messages += messages
        if self._since_s is None:
            self._since_s = now_s
        elapsed_s = now_s - self._since_s
        if elapsed_s >= WINDOW_S:
            in_interval = self._messages * self._interval_s / elapsed_s
            self.is_batched = in_interval > MESSAGES_MIN
            self._messages, self._since_s = 0, now_s
