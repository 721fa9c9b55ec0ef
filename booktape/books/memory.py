"""Keeps the runs of one session's books in memory, with the times of the latest rows."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from booktape.books.spans import Run
from booktape.segments.segment import Rows

RUNS_REMEMBERED_MAX: Final = 500_000
ROWS_REMEMBERED_MAX: Final = 2_000_000  # their times and numbers, 16 bytes each
WIDE_ROWS_MAX: Final = 200_000  # rows with every column of a book, 64 bytes each


TIMES: Final = ("ts_recv", "event_number")
LIGHT: Final = (*TIMES, "epoch", "is_snapshot", "is_checkpoint")  # enough to find runs
_WIDE: Final = (*LIGHT, "sequence", "side", "price", "size")
_BOOK: Final = (*TIMES, "epoch", "sequence", "side", "price", "size")


class FoundRuns(NamedTuple):
    """The runs found of one symbol in one flush."""

    runs: list[Run]
    places: list[Rows]
    kept: list[pa.Table] | None = None  # the rows at each of the places, at least their times


NOTHING: Final = FoundRuns([], [])


def choose_kept(rows: pa.Table) -> pa.Table:
    """Return the columns to keep of rows read by `LIGHT`, or by the chosen columns."""
    return rows.select(_BOOK if {*_BOOK} <= {*rows.column_names} else TIMES)


class RunMemory:
    """Remembers the runs found in flushes, by their first event numbers; bounded."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], FoundRuns] = {}
        self._whole: set[int] = set()  # flushes searched for every symbol
        self._runs_count = 0
        self._kept: dict[tuple[int, str], Sequence[pa.Table]] = {}
        self._kept_rows = 0

    def choose_columns(self) -> Sequence[str]:
        """Return the columns to read if all of a book's cost hardly more than those of runs.

        Once it keeps many rows, return only those of runs.
        """
        return _WIDE if self._kept_rows < WIDE_ROWS_MAX else LIGHT

    def find(self, first: int, symbol: str) -> FoundRuns | None:
        """Return the runs found of a symbol; None if nobody has searched for it."""
        found = self._found.get((first, symbol))
        return NOTHING if found is None and first in self._whole else found

    def find_kept(self, first: int, symbol: str) -> Sequence[pa.Table] | None:
        """Return the kept rows of a symbol, or None."""
        return self._kept.get((first, symbol))

    def keep(self, first: int, symbol: str, found: FoundRuns) -> None:
        """Remember the runs found of a symbol."""
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
        """Remember the runs found of every symbol of a flush."""
        self._make_room(sum(len(one.runs) for one in found.values()))
        self._found |= {(first, symbol): one for symbol, one in found.items()}
        self._whole.add(first)

    def _make_room(self, runs: int) -> None:
        self._runs_count += runs
        if self._runs_count > RUNS_REMEMBERED_MAX:
            self._found.clear()
            self._whole.clear()
            self._runs_count = runs
