"""Keeps the audit budget, a part of an exchange's limit, so that audits delay no new book."""

from collections import deque
from typing import Final

from shared.exchange import Cost, Exchange

EARLY_SHARE: Final = 0.25  # of our points in an interval
TURNS_SHARE: Final = 0.1
OURS: Final = 0.8  # of the exchange's limit, unless configured otherwise


class AuditBudget:
    """Grants points for audits of one kind; the recorder's thread owns it, for all its feeds."""

    def __init__(self, points_max: int, interval_s: float) -> None:
        """Grant at most `points_max` points in any interval."""
        self._points_max = points_max
        self._interval_s = interval_s
        self._grants: deque[tuple[float, int]] = deque()
        self._points = 0

    def has_points(self, cost: Cost | None, now_s: float) -> bool:
        """Return whether the budget has the points."""
        grants = self._grants
        while grants and grants[0][0] <= now_s - self._interval_s:
            self._points -= grants.popleft()[1]
        return cost is None or self._points + cost.points <= self._points_max

    def spend(self, cost: Cost | None, now_s: float) -> None:
        """Spend the points, which the budget must have."""
        assert self.has_points(cost, now_s)
        if cost is not None:
            self._points += cost.points
            self._grants.append((now_s, cost.points))


class AuditBudgets:
    """The two budgets of one ingest: of audits by turns, and of early ones."""

    def __init__(self, exchange: Exchange, limit_share: float = OURS) -> None:
        """Take a part of our share of the limit that snapshots draw on."""
        cost = exchange.snapshot_cost
        limit = exchange.limits[cost.limit] if cost is not None else None
        points = limit.points * limit_share if limit is not None else 0.0
        interval_s = limit.interval_s if limit is not None else 0.0
        self.turns = AuditBudget(int(points * TURNS_SHARE), interval_s)
        self.early = AuditBudget(int(points * EARLY_SHARE), interval_s)
