"""Counts of things whose names others choose."""

from collections import Counter
from typing import Final

COUNTS_MAX: Final = 100  # kinds counted apart


class Counts(Counter[str]):
    """How often each kind of thing came."""

    def note(self, kind: str, detail: str) -> None:
        """Count one of a kind by its detail; without it where there are too many already."""
        name = f"{kind} {detail}"
        self[name if name in self or len(self) < COUNTS_MAX else kind] += 1
