"""Aligns tables of best levels: at each instant of any table, the last row of each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from booktape.replay.rows import Batch


def align(
    tables: Mapping[str, Iterator[Batch]], columns: Mapping[str, Sequence[str]]
) -> Iterator[Batch]:
    """Yield `ts` and `<name>_<column>` of each table at each instant of any table.

    A table is record batches whose `ts` strictly ascends, such as `top` makes; grids of one step
    share their instants. A row, nulls included, holds until the table's next row (backward,
    inclusive); before a table's first row its columns are null. A batch has at most as many rows as
    one batch of each table together.
    """
    sides = [_Table(name, batches, columns[name]) for name, batches in tables.items()]
    while any(not side.is_over for side in sides):
        # No table can bring another row up to this instant.
        horizon = min(side.ts[-1] for side in sides if not side.is_over)
        instants = sorted({ts for side in sides for ts in side.until(horizon)})
        columns_of = [side.take(instants) for side in sides]
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(instants, pa.timestamp("us", tz="UTC")),
                *(column for found in columns_of for column in found),
            ],
            schema=_schema(sides),
        )


class _Table:
    """One table during the walk: its current batch, and the row before that batch."""

    def __init__(self, name: str, batches: Iterator[Batch], columns: Sequence[str]) -> None:
        self.name = name
        self.columns = columns
        self.types = [pa.float64()] * len(columns)  # until the first batch comes
        self.ts: list[int] = []
        self.is_over = False
        self._batches = batches
        # Of each column: the row before, then the rows of the current batch.
        self._held: list[Any] = [pa.nulls(1, type_) for type_ in self.types]
        self._draw()

    def until(self, horizon: int) -> list[int]:
        """Return the current batch's instants up to the horizon."""
        return [ts for ts in self.ts if ts <= horizon]

    def take(self, instants: list[int]) -> list[Any]:
        """Return each column as of these instants, and drop the rows that they passed."""
        places, place = [], 0
        for instant in instants:
            while place < len(self.ts) and self.ts[place] <= instant:
                place += 1
            places.append(place)
        index = pa.array(places, pa.int64())
        taken = [column.take(index) for column in self._held]
        self._held = [column[place:] for column in self._held]
        self.ts = self.ts[place:]
        if not self.ts and not self.is_over:
            self._draw()
        return taken

    def _draw(self) -> None:
        batch = next((batch for batch in self._batches if len(batch)), None)
        if batch is None:
            self.is_over = True
            return
        self.ts = batch["ts"].cast(pa.int64()).to_pylist()
        rows = [_decode(batch[column]) for column in self.columns]
        self.types = [column.type for column in rows]
        self._held = [
            pa.concat_arrays([_as(before, column.type), column])
            for before, column in zip(self._held, rows, strict=True)
        ]


def _as(before: Any, type_: Any) -> Any:
    """Return the row before; the null before the first row takes the type of its column."""
    return before if before.type == type_ else pa.nulls(1, type_)


def _decode(column: Any) -> Any:
    """Return names as text, because each batch may number them differently."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _schema(tables: list[_Table]) -> Any:
    fields = [pa.field("ts", pa.timestamp("us", tz="UTC"), nullable=False)]
    for table in tables:
        for column, type_ in zip(table.columns, table.types, strict=True):
            fields.append(pa.field(f"{table.name}_{column}", type_))
    return pa.schema(fields)
