"""Bans over REST as rows: until when an exchange wants no question."""

from collections.abc import Callable, Iterable

from shared.event import Row, feed_event


class Bans:
    """Records each ban that an answer over REST tells of; any thread may call it."""

    def __init__(
        self, record: Callable[[Iterable[Row]], None], clock_ns: Callable[[], int]
    ) -> None:
        """Record rows of our own by `record`."""
        self._record = record
        self._clock_ns = clock_ns

    def note_ban(self, wait_s: float, reason: str) -> None:
        """Record that the exchange wants no question for so long."""
        event = feed_event("rate_limited", wait_s=wait_s, reason=reason)
        self._record([(self._clock_ns(), None, event)])
