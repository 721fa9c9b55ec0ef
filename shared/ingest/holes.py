"""Watches for holes in the journal of this session: each hole ends every epoch on the tape."""

from shared.delivery.pipe import WatermarkSubscriber


class HoleWatch:
    """Learns of holes from the writer's watermarks; the main thread owns it."""

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
