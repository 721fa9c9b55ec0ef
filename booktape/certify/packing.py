"""Packs rows for a while: keeps the columns that an event's levels share once, names as numbers.

A packing has two parts: events, each with its count of rows, and levels. Tables with one row for
each event have no levels. It assumes nothing of the rows: a row that differs from the one before in
any column but its level's begins an event here.
"""

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from booktape.tables import SCHEMAS

_INT32: Final = pa.int32()
_INT64: Final = pa.int64()
_NAME: Final = pa.dictionary(_INT32, pa.string())
_ONE: Final = pa.scalar(1, _INT32)
_LEVEL: Final = {"book": ("side", "price", "size")}
_ROWS: Final = "#rows"  # no column's name
Symbol = str | None


class Packed(Struct, frozen=True):
    """Some rows: events, and their levels."""

    events: pa.RecordBatch
    levels: pa.RecordBatch | None
    rows: int

    def slice(self, first: int, count: int) -> "Packed":
        """Return some of the events."""
        events = self.events.slice(first, count)
        if self.levels is None:
            return Packed(events, None, count)
        rows = pc.sum(events.column(_ROWS)).as_py() or 0
        before = pc.sum(self.events.column(_ROWS).slice(0, first)).as_py() or 0
        return Packed(events, self.levels.slice(before, rows), rows)

    def cut(self, rows_max: int) -> "Iterator[Packed]":
        """Yield the rows in parts; the rows of one event stay together."""
        if self.rows <= rows_max:
            yield self
            return
        ends = self.find_ends()
        first = 0
        while first < len(self.events):
            before = ends[first - 1].as_py() if first else 0
            is_beyond = pc.greater(ends.slice(first), before + rows_max)
            place = pc.index(is_beyond, value=True).as_py()
            count = len(self.events) - first if place < 0 else max(place, 1)
            yield self.slice(first, count)
            first += count

    def find_ends(self) -> pa.Array:
        """Return the end of each event, in rows."""
        if self.levels is None:
            return pa.arange(1, len(self.events) + 1)
        return pc.cumulative_sum(self.events.column(_ROWS).cast(_INT64))


def join(parts: Iterable[Packed]) -> Packed:
    """Return all rows in one piece."""
    found = list(parts)
    levels = [part.levels for part in found if part.levels is not None]
    return Packed(
        pa.concat_batches([part.events for part in found]),
        pa.concat_batches(levels) if levels else None,
        sum(part.rows for part in found),
    )


class Packing:
    """A table's packing: a name keeps its number all day, so that packed rows can be joined."""

    def __init__(self, table: str) -> None:
        self._schema = SCHEMAS[table]
        self._known: dict[str, dict[str, int]] = {
            field.name: {} for field in self._schema if field.type == _NAME
        }
        self._symbols: list[str] = []
        level = _LEVEL.get(table, ())
        plain = [
            pa.field(field.name, _INT32 if field.type == _NAME else field.type)
            for field in self._schema
        ]
        events = [field for field in plain if field.name not in level]
        self.levels = (
            pa.schema([plain[self._schema.get_field_index(n)] for n in level]) if level else None
        )
        self.events = pa.schema([*events, pa.field(_ROWS, _INT32)] if level else events)

    def pack(self, table: pa.Table) -> Packed:
        """Pack the rows of a table whose columns are in one piece."""
        columns = {name: self._encode(name, table[name].chunk(0)) for name in self._schema.names}
        self._symbols += list(self._known["symbol"])[len(self._symbols) :]
        if self.levels is None:
            events = pa.RecordBatch.from_arrays(list(columns.values()), schema=self.events)
            return Packed(events, None, len(events))
        levels = [columns.pop(name) for name in self.levels.names]
        is_new = reduce(pc.or_, map(_find_changes, columns.values()))
        begins = pc.add(pc.indices_nonzero(is_new).cast(_INT32), _ONE)
        firsts = pa.concat_arrays([pa.array([0], _INT32), begins])
        ends = pa.concat_arrays([begins, pa.array([table.num_rows], _INT32)])
        columns = {name: column.take(firsts) for name, column in columns.items()}
        return Packed(
            pa.RecordBatch.from_arrays(
                [*columns.values(), pc.subtract(ends, firsts)], schema=self.events
            ),
            pa.RecordBatch.from_arrays(levels, schema=self.levels),
            table.num_rows,
        )

    def sort(self, packed: Packed) -> Packed:
        """Return the rows by symbol, those without one last; a symbol's rows keep their order."""
        order = sorted(range(len(self._symbols)), key=self._symbols.__getitem__)
        ranks = sorted(range(len(order)), key=order.__getitem__)
        keys = pa.array(ranks, _INT32).take(packed.events.column("symbol"))
        places = pc.sort_indices(keys)  # a stable sort
        events = packed.events.take(places)
        if packed.levels is None:
            return Packed(events, None, packed.rows)
        rows = events.column(_ROWS).cast(_INT64)
        ends = pc.cumulative_sum(rows)
        begins = pc.subtract(packed.find_ends().take(places), rows)
        away = pc.subtract(begins, pc.subtract(ends, rows))
        each = pc.run_end_decode(pa.RunEndEncodedArray.from_arrays(ends.cast(_INT32), away))
        levels = packed.levels.take(pc.add(pa.arange(0, packed.rows), each))
        return Packed(events, levels, packed.rows)

    def cut_symbols(self, packed: Packed) -> Iterator[tuple[Symbol, Packed]]:
        """Yield the rows of each symbol; the rows come sorted by symbol."""
        runs = pc.run_end_encode(packed.events.column("symbol"))
        ends = runs.run_ends
        levels = packed.find_ends().take(pc.subtract(ends, _ONE)).to_pylist()
        begin = before = 0
        for code, end, row in zip(runs.values.to_pylist(), ends.to_pylist(), levels, strict=True):
            yield (
                None if code is None else self._symbols[code],
                Packed(
                    packed.events.slice(begin, end - begin),
                    None if packed.levels is None else packed.levels.slice(before, row - before),
                    row - before,
                ),
            )
            begin, before = end, row

    def unpack(self, packed: Packed, symbol: Symbol) -> pa.Table:
        """Return the rows, all of one symbol, in the tape's form."""
        columns = {}
        ends = None if packed.levels is None else packed.find_ends().cast(_INT32)
        for name in self.events.names:
            if name == _ROWS:
                continue
            column = packed.events.column(name)
            if name == "symbol" and symbol is not None:
                columns[name] = _repeat(symbol, packed.rows)
                continue
            if ends is not None:
                column = pc.run_end_decode(pa.RunEndEncodedArray.from_arrays(ends, column))
            columns[name] = self._decode(name, column)
        if packed.levels is not None:
            for name, column in zip(packed.levels.schema.names, packed.levels.columns, strict=True):
                columns[name] = self._decode(name, column)
        return pa.Table.from_arrays(
            [columns[name] for name in self._schema.names], schema=self._schema
        )

    def _encode(self, name: str, column: pa.Array) -> pa.Array:
        known = self._known.get(name)
        if known is None:
            return column
        texts = column.dictionary.to_pylist()
        codes = [known.setdefault(text, len(known)) for text in texts]
        if codes == list(range(len(codes))):  # nearly always, but for sessions
            return column.indices
        return pa.array(codes, _INT32).take(column.indices)

    def _decode(self, name: str, column: pa.Array) -> pa.Array:
        known = self._known.get(name)
        if known is None:
            return column
        return pa.DictionaryArray.from_arrays(
            column, pa.array(list(known), pa.string()), safe=False
        )


def _repeat(symbol: str, rows: int) -> pa.Array:
    codes = pa.repeat(pa.scalar(0, _INT32), rows)
    return pa.DictionaryArray.from_arrays(codes, pa.array([symbol]), safe=False)


def _find_changes(column: pa.Array) -> pa.Array:
    """Return for each row but the first whether its value differs from the row before."""
    before, after = column[:-1], column[1:]
    if column.null_count == len(column):
        return pa.repeat(pa.scalar(value=False), len(after))
    is_new = pc.not_equal(before, after)
    if not column.null_count:
        return is_new
    return pc.or_(
        pc.fill_null(is_new, fill_value=False), pc.xor(before.is_valid(), after.is_valid())
    )
