"""Paces the resyncs of each symbol's book: the first at once, later ones after longer waits."""

from typing import Final

CALM_S: Final = 60.0  # after so long without a resync, a symbol starts again without a wait
WAIT_MAX_S: Final = 60.0
HISTORY_MAX: Final = 1000  # symbols; at so many we forget the calm ones
COUNT_MAX: Final = 7  # counted resyncs in a row: from then on the wait is at its longest


class Resyncs:
    """Paces the resyncs of each symbol.

    The first is due at once, the next after 1 s, 2 s, 4 s ...: if the exchange's own snapshots
    are crossed, we must not request one after another without end.
    """

    def __init__(self) -> None:
        """Start with nothing due."""
        self._due: dict[str, float] = {}
        self._history: dict[str, tuple[int, float]] = {}  # resyncs in a row, time of the last

    def is_calm(self) -> bool:
        """Return whether no symbol is on the list."""
        return not self._due

    def want(self, raw_symbol: str, now_s: float) -> bool:
        """Put a symbol on the list; return False if the list has it already."""
        if raw_symbol in self._due:
            return False
        count, last_s = self._history.get(raw_symbol, (0, now_s))
        if now_s - last_s > CALM_S:
            count = 0
        if len(self._history) >= HISTORY_MAX:
            recent = {raw: one for raw, one in self._history.items() if now_s - one[1] <= CALM_S}
            self._history = recent
        wait_s = min(2.0 ** (count - 1), WAIT_MAX_S) if count else 0.0
        self._history[raw_symbol] = min(count + 1, COUNT_MAX), now_s + wait_s
        self._due[raw_symbol] = now_s + wait_s
        return True

    def settle_resync(self, raw_symbol: str) -> None:
        """Take a symbol off the list: its book began anew, or nobody wants it any more."""
        self._due.pop(raw_symbol, None)

    def due(self, now_s: float) -> list[str]:
        """Return the due symbols, and take them off the list."""
        due = [raw_symbol for raw_symbol, at_s in self._due.items() if at_s <= now_s]
        for raw_symbol in due:
            del self._due[raw_symbol]
        return due

    def clear(self) -> None:
        """Take everything off the list: a new connection begins every book anew."""
        self._due.clear()
