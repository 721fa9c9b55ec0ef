"""The watchdog finds connections that are open and silent."""

from typing import Final

STALE_MAX_S: Final = 600.0
_FORGETTING: Final = 0.99  # of the longest silence, with each sign of life


class Watchdog:
    """Watches the data of one connection, not its pings: pings go on through a silent stall.

    https://github.com/BTCTrader/broker-api-docs/issues/577 reports channels that stop after
    hours while the socket stays open. The first message of a subscription does not count as data,
    so a quiet market that merely answers does not pass for a lively one.

    Patience doubles with each reconnect that brings nothing, and outlasts the first sign of life:
    a quiet market gets twice its longest recent silence.
    """

    def __init__(self, stale_after_s: float) -> None:
        """Start asleep: a halted market has no book, and its silence proves nothing."""
        self._stale_after_s = stale_after_s
        self._patience_s = STALE_MAX_S
        self._longest_s = 0.0  # the longest recent silence between two signs of life
        self._since_s: float | None = None
        self._has_flowed = False
        self.is_flowing = False  # on this connection

    def connected(self, now_s: float) -> None:
        """Begin to wait on a new connection, if data ever flowed."""
        self._since_s = now_s if self._has_flowed else None
        self.is_flowing = False

    def expect(self, now_s: float) -> None:
        """Begin to wait, most patiently if data never flowed: a book is live."""
        if self._since_s is None:
            self._since_s = now_s

    def data(self, now_s: float) -> None:
        """Take note of data."""
        if now_s == self._since_s and self.is_flowing:  # nearly always: many messages at once
            return
        if self.is_flowing and self._since_s is not None:
            self._longest_s = max(now_s - self._since_s, self._longest_s * _FORGETTING)
            self._patience_s = min(max(self._stale_after_s, 2 * self._longest_s), STALE_MAX_S)
        elif not self._has_flowed:
            self._patience_s = self._stale_after_s
        self._since_s = now_s
        self._has_flowed = self.is_flowing = True

    def wait_anew(self, now_s: float) -> None:
        """Begin to wait anew: while we may ask nothing, the silence is our own."""
        if self._since_s is not None:
            self._since_s = now_s

    def silent_s(self, now_s: float) -> float | None:
        """Return the length of the silence if it is too long; be more patient next time."""
        if self._since_s is None or now_s - self._since_s <= self._patience_s:
            return None
        silent_s = now_s - self._since_s
        self._patience_s = min(self._patience_s * 2, STALE_MAX_S)
        self._since_s = None
        return silent_s
