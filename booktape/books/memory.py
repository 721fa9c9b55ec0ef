"""Keeps the runs of one session's books in memory, with the times of the latest rows."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from booktape.books.spans import Run
from booktape.segments.segment import Rows

RUNS_REMEMBERED_MAX: Final = 500_000
ROWS_REMEMBERED_MAX: Final = 2_000_000  # their times and numbers, 16 bytes each


class FoundRuns(NamedTuple):
    """The runs found of one symbol in one flush."""

    runs: list[Run]
    places: list[Rows]
    times: list[pa.Table] | None = None  # of the rows at each of the places


NOTHING: Final = FoundRuns([], [])


class RunMemory:
    """Remembers the runs found in flushes, by their first event numbers; bounded."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], FoundRuns] = {}
        self._whole: set[int] = set()  # flushes of which every symbol was looked for
        self._runs_count = 0
        self._times: dict[tuple[int, str], Sequence[pa.Table]] = {}
        self._times_count = 0

    def find(self, first: int, symbol: str) -> FoundRuns | None:
        """Return what was found of a symbol; None where it was not looked for."""
        found = self._found.get((first, symbol))
        return NOTHING if found is None and first in self._whole else found

    def find_times(self, first: int, symbol: str) -> Sequence[pa.Table] | None:
        """Return the times of a symbol's rows, where they are still there."""
        return self._times.get((first, symbol))

    def keep(self, first: int, symbol: str, found: FoundRuns) -> None:
        """Remember what was found of a symbol."""
        self._make_room(len(found.runs))
        self._found[first, symbol] = FoundRuns(found.runs, found.places)
        if found.times is None:
            return
        rows = sum(table.num_rows for table in found.times)
        self._times_count += rows
        if self._times_count > ROWS_REMEMBERED_MAX:
            self._times.clear()
            self._times_count = rows
        self._times[first, symbol] = found.times

    def keep_all(self, first: int, found: Mapping[str, FoundRuns]) -> None:
        """Remember what was found of every symbol of a flush."""
        self._make_room(sum(len(one.runs) for one in found.values()))
        self._found |= {(first, symbol): one for symbol, one in found.items()}
        self._whole.add(first)

    def _make_room(self, runs: int) -> None:
        self._runs_count += runs
        if self._runs_count > RUNS_REMEMBERED_MAX:
            self._found.clear()
            self._whole.clear()
            self._runs_count = runs
