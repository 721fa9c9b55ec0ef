"""Keeps the runs of one session's books in memory, with the times of the latest rows."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from booktape.books.spans import Run
from booktape.segments.segment import Rows

RUNS_REMEMBERED_MAX: Final = 500_000
ROWS_REMEMBERED_MAX: Final = 2_000_000  # their times and numbers, 16 bytes each
WIDE_ROWS_MAX: Final = 200_000  # of those with all that a book takes, 64 bytes each


TIMES: Final = ("ts_recv", "event_number")
LIGHT: Final = (*TIMES, "epoch", "is_snapshot", "is_checkpoint")  # all that runs are found by
_WIDE: Final = (*LIGHT, "sequence", "side", "price", "size")
_BOOK: Final = (*TIMES, "epoch", "sequence", "side", "price", "size")


class FoundRuns(NamedTuple):
    """The runs found of one symbol in one flush."""

    runs: list[Run]
    places: list[Rows]
    kept: list[pa.Table] | None = None  # times at least, of the rows at each of the places


NOTHING: Final = FoundRuns([], [])


def choose_kept(rows: pa.Table) -> pa.Table:
    """Return what is kept of rows that were read by `LIGHT`, or by what was chosen."""
    return rows.select(_BOOK if {*_BOOK} <= {*rows.column_names} else TIMES)


class RunMemory:
    """Remembers the runs found in flushes, by their first event numbers; bounded."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], FoundRuns] = {}
        self._whole: set[int] = set()  # flushes of which every symbol was looked for
        self._runs_count = 0
        self._kept: dict[tuple[int, str], Sequence[pa.Table]] = {}
        self._kept_rows = 0

    def choose_columns(self) -> Sequence[str]:
        """Return what to read where all of a book's columns cost hardly more than those of runs.

        Once many rows are kept it is those of runs alone.
        """
        return _WIDE if self._kept_rows < WIDE_ROWS_MAX else LIGHT

    def find(self, first: int, symbol: str) -> FoundRuns | None:
        """Return what was found of a symbol; None if it was not looked for."""
        found = self._found.get((first, symbol))
        return NOTHING if found is None and first in self._whole else found

    def find_kept(self, first: int, symbol: str) -> Sequence[pa.Table] | None:
        """Return what was kept of a symbol's rows, where it is still there."""
        return self._kept.get((first, symbol))

    def keep(self, first: int, symbol: str, found: FoundRuns) -> None:
        """Remember what was found of a symbol."""
        self._make_room(len(found.runs))
        self._found[first, symbol] = FoundRuns(found.runs, found.places)
        if found.kept is None:
            return
        rows = sum(table.num_rows for table in found.kept)
        self._kept_rows += rows
        if self._kept_rows > ROWS_REMEMBERED_MAX:
            self._kept.clear()
            self._kept_rows = rows
        self._kept[first, symbol] = found.kept

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
