"""Schedules checkpoints: one symbol at a time, evenly over the interval."""

from collections.abc import Collection


class Checkpoints:
    """Goes round the symbols once in each interval, one at a time; a new symbol comes last."""

    def __init__(self, interval_s: float) -> None:
        """Start with the first symbol an even share of the interval from now."""
        self._interval_s = interval_s
        self._turns: list[str] = []
        self._due_s: float | None = None

    def due(self, raw_symbols: Collection[str], now_s: float) -> str | None:
        """Return the symbol whose turn it is now, if any."""
        if not raw_symbols:
            return None
        share_s = self._interval_s / len(raw_symbols)
        if self._due_s is None:
            self._due_s = now_s + share_s
        if now_s < self._due_s:
            return None
        self._due_s += share_s
        if self._due_s <= now_s:  # after a long stop: no burst
            self._due_s = now_s + share_s
        known = dict.fromkeys([*self._turns, *raw_symbols])
        first, *rest = [raw_symbol for raw_symbol in known if raw_symbol in raw_symbols]
        self._turns = [*rest, first]
        return first
