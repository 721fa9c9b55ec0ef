"""Whether an open connection has fallen silent."""

from typing import Final

STALE_MAX_S: Final = 600.0


class Watchdog:
    """Watches the data of one connection, not its pings: those go on through a silent stall.

    https://github.com/BTCTrader/broker-api-docs/issues/577 tells of channels that stop after
    hours while the socket stays open. Only what follows the first message of a subscription
    counts as data, so a quiet market that merely answers is not mistaken for a lively one: its
    patience doubles with each reconnect that brought nothing.
    """

    def __init__(self, stale_after_s: float) -> None:
        """Start asleep: before any data has flowed, silence says nothing."""
        self._stale_after_s = stale_after_s
        self._patience_s = stale_after_s
        self._since_s: float | None = None
        self._has_flowed = False
        self.is_flowing = False  # on this connection

    def connected(self, now_s: float) -> None:
        """Begin to wait on a new connection, if data ever flowed."""
        self._since_s = now_s if self._has_flowed else None
        self.is_flowing = False

    def data(self, now_s: float) -> None:
        """Take note of data."""
        self._has_flowed = self.is_flowing = True
        self._since_s = now_s
        self._patience_s = self._stale_after_s

    def silent_s(self, now_s: float) -> float | None:
        """Return how long it has been silent if that is too long, and be more patient next time."""
        if self._since_s is None or now_s - self._since_s <= self._patience_s:
            return None
        silent_s = now_s - self._since_s
        self._patience_s = min(self._patience_s * 2, STALE_MAX_S)
        self._since_s = None
        return silent_s
