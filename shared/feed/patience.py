"""Keeps patience with each symbol that raises the same question again: each wait is longer."""

from typing import Final

WAIT_MIN_S: Final = 60.0
WAIT_MAX_S: Final = 3600.0
SYMBOLS_MAX: Final = 2000  # remembered; one more makes us forget the oldest


class Patience:
    """Decides whether a question about a symbol may be asked now; each doubles the wait."""

    def __init__(self) -> None:
        """Start with every question allowed."""
        self._waits: dict[str, tuple[float, float]] = {}  # earliest time, and the wait after it

    def take(self, raw_symbol: str, now_s: float) -> bool:
        """Return whether to ask now; if so, make the next question wait."""
        due_s, wait_s = self._waits.get(raw_symbol, (now_s, WAIT_MIN_S))
        if now_s < due_s:
            return False
        if raw_symbol not in self._waits and len(self._waits) >= SYMBOLS_MAX:
            del self._waits[next(iter(self._waits))]
        self._waits[raw_symbol] = now_s + wait_s, min(2 * wait_s, WAIT_MAX_S)
        return True

    def reset(self, raw_symbol: str) -> None:
        """Forget the symbol's waits: the question had a reason."""
        self._waits.pop(raw_symbol, None)
