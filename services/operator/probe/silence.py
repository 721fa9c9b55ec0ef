"""Judges the silence of a book: it must not stand still while its ticker moves."""

from typing import Final

from services.operator.probe.table import AssumptionTable

SILENCE_NS: Final = 10_000_000_000
TOUCHES_MIN: Final = 5


class BookSilence:
    """Counts for each market the touches of its ticker since its book last changed."""

    def __init__(self, table: AssumptionTable, name: str) -> None:
        """Count in this row: one for each market, at the end."""
        self._table = table
        self._name = name
        self._spoke: dict[str, int] = {}
        self._touches: dict[str, tuple[int, object]] = {}  # how many, and the last
        self._seen: set[str] = set()
        self._silent: dict[str, str] = {}
        self._longest = (0.0, "")

    def book(self, market: str, ts: int) -> None:
        """Note that the book changed."""
        self._spoke[market] = ts
        self._touches[market] = 0, None

    def ticker(self, market: str, ts: int, touch: object) -> None:
        """Note a ticker."""
        if market not in self._spoke:
            return
        count, last = self._touches[market]
        if not count or last != touch:
            count += 1
            self._touches[market] = count, touch
        self._seen.add(market)
        silent_ns = ts - self._spoke[market]
        if count >= TOUCHES_MIN:
            self._longest = max(self._longest, (silent_ns / 1e9, market))
            if silent_ns >= SILENCE_NS:
                self._silent[market] = f"{market}: {count} touches in {silent_ns / 1e9:.0f} s"

    def finish(self) -> None:
        """Judge every market that had both."""
        for market in sorted(self._seen):
            self._table.judge(
                self._name, self._silent.get(market, ""), holds=market not in self._silent
            )
        if self._longest[1]:
            seconds, market = self._longest
            self._table.note(self._name, f"longest {seconds:.1f} s ({market})")
