"""Judges the digits of numbers: whether float64 keeps them as the exchange wrote them."""

from decimal import Decimal
from functools import lru_cache

from services.operator.probe.table import AssumptionTable

SEEN_MAX = 1 << 16


class Digits:
    """Judges every number of an exchange, as text."""

    def __init__(self, table: AssumptionTable, name: str) -> None:
        """Count in the row `name`."""
        self._table = table
        self._name = name
        self._decimals = self._digits = 0
        # Levels repeat: a known number counts without another look.
        self._look = lru_cache(SEEN_MAX)(self._look_at)

    def see(self, *texts: str) -> None:
        """Judge each of these numbers."""
        for text in texts:
            self._table.judge(self._name, text, holds=self._look(text))

    def finish(self) -> None:
        """Note the length of the longest number."""
        if self._digits:
            longest = f"at most {self._digits} digits, {self._decimals} decimals"
            self._table.note(self._name, longest)

    def _look_at(self, text: str) -> bool:
        exact = Decimal(text)
        shape = exact.normalize().as_tuple()
        assert isinstance(shape.exponent, int)
        self._digits = max(self._digits, len(shape.digits))
        self._decimals = max(self._decimals, -shape.exponent)
        return Decimal(repr(float(text))) == exact
