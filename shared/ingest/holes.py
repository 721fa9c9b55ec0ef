"""Watches for holes in the journal of this session: at each, every epoch on the tape ends."""

from shared.delivery.pipe import WatermarkSubscriber


class HoleWatch:
    """Hears of holes by the writer's watermarks; the main thread owns it."""

    def __init__(self, watermarks: WatermarkSubscriber, session: str) -> None:
        """Start without a hole."""
        self._watermarks = watermarks
        self._session = session
        self._last = 0

    def look(self) -> bool:
        """Return whether the writer found another hole since the last look."""
        last = self._watermarks.holes.get(self._session, 0)
        is_new = last > self._last
        self._last = max(last, self._last)
        return is_new
