"""Cuts the symbols of an exchange into stretches of the alphabet.

Levels become columns one stretch after the other, so that a flush of five minutes takes little more
memory than one of a minute. A stretch has whole symbols.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

STRETCHES_MAX: Final = 16  # each is about one row group in a flush of five minutes


class Stretch(NamedTuple):
    """The symbols from `begin` up to, not including, `end`."""

    begin: str = ""
    end: str | None = None

    def has(self, symbol: str) -> bool:
        """Return whether the symbol is in it."""
        return self.begin <= symbol and (self.end is None or symbol < self.end)


def find_stretches(rows: Mapping[str, int]) -> list[Stretch]:
    """Return stretches of about equal rows; `rows` has each symbol's rows so far."""
    begins, share, before = [""], sum(rows.values()) / STRETCHES_MAX, 0
    for symbol in sorted(rows):
        if before >= share * len(begins):
            begins.append(symbol)
        before += rows[symbol]
    return [Stretch(*ends) for ends in zip(begins, [*begins[1:], None], strict=True)]


def join_stretches(rows: Sequence[int], rows_max: int) -> Iterator[range]:
    """Yield places of neighbours with at most `rows_max` rows together, or of one larger alone."""
    begin = total = 0
    for place, count in enumerate(rows):
        if place > begin and total + count > rows_max:
            yield range(begin, place)
            begin, total = place, 0
        total += count
    yield range(begin, len(rows))
