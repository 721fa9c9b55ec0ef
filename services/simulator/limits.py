"""Enforces the limits of one address: points in a window, a block for a client that takes more."""

from collections.abc import Callable

NS_PER_S = 1_000_000_000
UNLIMITED = 1 << 60


class Budget:
    """Counts points in windows that begin at whole multiples of the period since the epoch.

    A client that spends more than `points_max` in a window gets nothing for `block_s`.
    """

    def __init__(
        self, *, points_max: int, period_s: float, block_s: float, clock_ns: Callable[[], int]
    ) -> None:
        self.points_max = points_max
        self.period_s = period_s
        self.ts_blocked_until = 0
        self._period_ns = int(period_s * NS_PER_S)
        self._block_ns = int(block_s * NS_PER_S)
        self._clock_ns = clock_ns
        self._window = -1
        self._used = 0

    def spend(self, points: int) -> bool:
        """Spend the points and return True; if too few are left, begin the block."""
        now = self._enter_window()
        if now < self.ts_blocked_until:
            return False
        if self._used + points > self.points_max:
            self.ts_blocked_until = now + self._block_ns
            return False
        self._used += points
        return True

    @property
    def points_left(self) -> int:
        """Return the points left in the current window."""
        now = self._enter_window()
        return 0 if now < self.ts_blocked_until else self.points_max - self._used

    @property
    def ts_reset(self) -> int:
        """Return when the current window ends."""
        self._enter_window()
        return (self._window + 1) * self._period_ns

    @property
    def retry_after_s(self) -> int:
        """Return the whole seconds until the block ends, at least one."""
        return max(1, -(-(self.ts_blocked_until - self._clock_ns()) // NS_PER_S))

    def _enter_window(self) -> int:
        now = self._clock_ns()
        window = now // self._period_ns
        if window != self._window:
            self._window = window
            self._used = 0
        return now
