"""Records bans that REST answers report: how long the exchange refuses requests."""

from collections.abc import Callable

from shared.event import feed_event
from shared.ingest.intake import Intake


class Bans:
    """Records each ban, unless the feed polls books and does so itself; any thread may call it."""

    def __init__(self, intake: Intake, clock_ns: Callable[[], int], *, is_polled: bool) -> None:
        """Prepare to record through the intake."""
        self._intake = intake
        self._clock_ns = clock_ns
        self._is_polled = is_polled

    def note_ban(self, wait_s: float, reason: str) -> None:
        """Record that the exchange refuses requests for `wait_s`."""
        if not self._is_polled:
            event = feed_event("rate_limited", wait_s=wait_s, reason=reason)
            self._intake.record([(self._clock_ns(), None, event)])
