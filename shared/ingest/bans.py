"""Bans that answers over REST tell of, as rows: until when an exchange wants no question."""

from collections.abc import Callable

from shared.event import feed_event
from shared.ingest.intake import Intake


class Bans:
    """Records each of them, unless books are polled: their feed does; any thread may call it."""

    def __init__(self, intake: Intake, clock_ns: Callable[[], int], *, is_polled: bool) -> None:
        """Record through the intake."""
        self._intake = intake
        self._clock_ns = clock_ns
        self._is_polled = is_polled

    def note_ban(self, wait_s: float, reason: str) -> None:
        """Record that the exchange wants no question for so long."""
        if not self._is_polled:
            event = feed_event("rate_limited", wait_s=wait_s, reason=reason)
            self._intake.record([(self._clock_ns(), None, event)])
