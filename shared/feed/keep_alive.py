"""Schedules keep-alive messages, where an exchange wants more than the pings of its protocol."""

from shared.exchange import KeepAlive


class KeepAlives:
    """Decides when one connection's next message is due; the recorder's thread owns it."""

    def __init__(self, wanted: KeepAlive | None) -> None:
        """Start without a connection; `wanted` is `None` if the exchange needs no such message."""
        self._wanted = wanted
        self._due_s = 0.0

    def connected(self, now_s: float) -> None:
        """Begin to count on a new connection."""
        if self._wanted is not None:
            self._due_s = now_s + self._wanted.interval_s

    def due(self, now_s: float) -> list[str]:
        """Return the message if it is due."""
        if self._wanted is None or now_s < self._due_s:
            return []
        self._due_s = now_s + self._wanted.interval_s
        return [self._wanted.message]
