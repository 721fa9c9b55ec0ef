"""Requests snapshots, one after the other, at the pace that the exchange allows."""

from collections.abc import Callable
from typing import Final

from shared.exchange import Cost, Exchange

ANSWER_S: Final = 10.0  # within which a snapshot comes; then we request it again
RETRY_S: Final = 5.0  # after a refusal
HALTED_RETRY_S: Final = 60.0  # after the exchange said that the market is halted


class SnapshotRequests:
    """Keeps the symbols that need a snapshot, those requested, and the time of the next request.

    `spend` takes points off the exchange's limit: it returns 0, or the seconds to wait.
    """

    def __init__(self, exchange: Exchange, spend: Callable[[Cost], float]) -> None:
        """Start with no snapshot wanted."""
        self._exchange = exchange
        self._spend = spend
        self._wanted: dict[str, float] = {}  # raw symbol -> not before
        self._asked: dict[str, float] = {}  # raw symbol -> since
        self._refused: set[str] = set()  # those of the wanted that the exchange refused before
        self._next_s = 0.0

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self._wanted.clear()
        self._asked.clear()
        self._refused.clear()

    def is_calm(self) -> bool:
        """Return whether no snapshot is wanted or requested."""
        return not self._wanted and not self._asked

    def want(self, raw_symbol: str) -> None:
        """Request this snapshot as soon as the pace allows, unless it is requested already."""
        if raw_symbol not in self._asked:
            self._wanted.setdefault(raw_symbol, 0.0)

    def is_asked(self, raw_symbol: str) -> bool:
        """Return whether this snapshot was requested and has not come."""
        return raw_symbol in self._asked

    def is_pending(self, raw_symbol: str) -> bool:
        """Return whether this snapshot was requested, or will be."""
        return raw_symbol in self._asked or raw_symbol in self._wanted

    def is_refused(self, raw_symbol: str) -> bool:
        """Return whether it was refused, and will be requested again later."""
        return raw_symbol in self._refused

    def wake(self, raw_symbol: str) -> bool:
        """Request it again as soon as the pace allows; return whether it is wanted or requested."""
        if raw_symbol in self._wanted:
            self._wanted[raw_symbol] = 0.0
            self._refused.discard(raw_symbol)
        return self.is_pending(raw_symbol)

    def settle_snapshot(self, raw_symbol: str) -> None:
        """Forget the request: its answer came, or nobody wants it any more."""
        self._asked.pop(raw_symbol, None)
        self._wanted.pop(raw_symbol, None)
        self._refused.discard(raw_symbol)

    def refuse(self, raw_symbol: str, now_s: float, *, is_halted: bool) -> None:
        """Request a refused snapshot again later; sooner if its market is not halted."""
        self.ask_again(raw_symbol, now_s + (HALTED_RETRY_S if is_halted else RETRY_S))
        self._refused.add(raw_symbol)

    def ask_again(self, raw_symbol: str, at_s: float) -> None:
        """Request the snapshot again, not before `at_s`: the answer was of no use."""
        self._asked.pop(raw_symbol, None)
        self._wanted[raw_symbol] = at_s

    def is_due(self, now_s: float) -> bool:
        """Return whether a snapshot waits for its turn now."""
        return any(at_s <= now_s for at_s in self._wanted.values())

    def ask(self, now_s: float) -> list[str]:
        """Return the raw symbols to request now: one at the most."""
        for raw_symbol, since_s in list(self._asked.items()):
            if now_s - since_s > ANSWER_S:
                del self._asked[raw_symbol]
                self._wanted[raw_symbol] = 0.0
        if now_s < self._next_s:
            return []
        raw_symbol = next((raw for raw, at_s in self._wanted.items() if at_s <= now_s), "")
        if not raw_symbol:
            return []
        wait_s = self._spend(self._exchange.snapshot_cost) if self._exchange.snapshot_cost else 0.0
        self._next_s = now_s + max(wait_s, self._exchange.snapshot_interval_s)
        if wait_s:
            return []
        del self._wanted[raw_symbol]
        self._refused.discard(raw_symbol)
        self._asked[raw_symbol] = now_s
        return [raw_symbol]
