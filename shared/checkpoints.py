"""Whose turn it is to have its book written whole, spread evenly over the interval."""


class Checkpoints:
    """Goes round the symbols once each interval, one symbol at a time."""

    def __init__(self, interval_s: float) -> None:
        """Start with the first symbol an even share of the interval from now."""
        self._interval_s = interval_s
        self._round: list[str] = []
        self._due_s: float | None = None

    def due(self, raw_symbols: dict[str, str], now_s: float) -> str | None:
        """Return the symbol whose turn it is now, if it is anybody's."""
        if not raw_symbols:
            return None
        share_s = self._interval_s / len(raw_symbols)
        if self._due_s is None:
            self._due_s = now_s + share_s
        if now_s < self._due_s:
            return None
        self._due_s = max(self._due_s + share_s, now_s)  # after a long stop: no burst
        if not self._round:
            self._round = list(reversed(raw_symbols))
        return self._round.pop()
