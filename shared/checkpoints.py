"""Whose turn it is to have its book written whole, spread evenly over the interval."""


class Checkpoints:
    """Takes each symbol in turn, one at a time, so that each has had its turn in an interval."""

    def __init__(self, interval_s: float) -> None:
        """Start with the first symbol an even share of the interval from now."""
        self._interval_s = interval_s
        self._since_s: dict[str, float] = {}  # of each symbol: its last turn, or its coming
        self._due_s: float | None = None

    def due(self, raw_symbols: Collection[str], now_s: float) -> str | None:
        """Return the symbol whose turn it is now, if it is anybody's."""
        if not raw_symbols:
            return None
        share_s = self._interval_s / len(raw_symbols)
        if self._due_s is None:
            self._due_s = now_s + share_s
        if now_s < self._due_s:
            return None
        self._due_s = max(self._due_s + share_s, now_s)  # after a long stop: no burst
        self._since_s = {raw: self._since_s.get(raw, now_s) for raw in raw_symbols}
        raw_symbol = min(self._since_s, key=self._since_s.__getitem__)
        self._since_s[raw_symbol] = now_s
        return raw_symbol
