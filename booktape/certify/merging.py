"""Merges sorted segments into one stream by symbol, in bounded memory.

Nothing is compared row by row: each segment is sorted by symbol, and segments come in the order of
sessions and events. So the rows of a symbol are those of each segment, one behind the other. What
does not fit into memory is written to the temporary folder as runs: many segments' rows by symbol,
which are then read side by side, some rows of each at a time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from booktape.segments.segment import Segment
from booktape.tables import SCHEMAS

RUN_ROWS: Final = 1_000_000  # held at a time: about 90 MB of a book
MERGED_ROWS: Final = 800_000  # of all runs together, while they are read side by side
BATCH_ROWS_MAX: Final = 64 * 1024
BATCH_ROWS_MIN: Final = 1024

_INT32: Final = pa.int32()
_NAME: Final = pa.dictionary(_INT32, pa.string())
Symbol = str | None
Part = tuple[Symbol, pa.RecordBatch]


class SymbolRows(Struct, frozen=True):
    """All rows of one symbol, some at a time."""

    symbol: Symbol
    rows: int
    tables: Iterator[pa.Table]


class Merge:
    """One table's rows of a day by symbol; those of no symbol come last."""

    def __init__(self, table: str, segments: Iterable[Segment], rows: int, folder: Path) -> None:
        """Take segments by session and event number; `rows` is how many they have in all."""
        self._schema = SCHEMAS[table]
        self._names = _Names(self._schema)
        self._segments = segments
        self._folder = folder
        self._is_small = rows <= RUN_ROWS
        runs = max(-(-rows // RUN_ROWS), 1)
        self._batch_rows = min(max(MERGED_ROWS // runs, BATCH_ROWS_MIN), BATCH_ROWS_MAX)

    def read(self) -> Iterator[SymbolRows]:
        """Yield the symbols in order; each must be read to its end before the next one."""
        runs: list[_Run] = []
        try:
            for held in self._gather():
                runs.append(self._make_run(held, len(runs)))
            counts: dict[Symbol, int] = defaultdict(int)
            for run in runs:
                for symbol, count in run.counts.items():
                    counts[symbol] += count
            for symbol in sorted(counts, key=_order):
                yield SymbolRows(symbol, counts[symbol], self._take(symbol, runs))
        finally:
            for run in runs:
                run.close()

    def _gather(self) -> Iterator[list[Part]]:
        """Yield as much as may be held, in the order of sessions and events."""
        held: list[Part] = []
        rows = 0
        for segment in self._segments:
            for group in segment.groups:
                batch = self._names.encode(segment.read(group, self._schema.names))
                held += self._names.cut(batch)
                rows += batch.num_rows
                if rows >= RUN_ROWS and not self._is_small:
                    yield held
                    held, rows = [], 0
        if held:
            yield held

    def _make_run(self, held: list[Part], number: int) -> "_Run":
        parts: dict[Symbol, list[pa.RecordBatch]] = defaultdict(list)
        while held:
            symbol, batch = held.pop()
            parts[symbol].append(batch)
        counts = {symbol: sum(len(batch) for batch in found) for symbol, found in parts.items()}
        ordered = (
            batch for symbol in sorted(parts, key=_order) for batch in reversed(parts.pop(symbol))
        )
        batches = _join(ordered, self._batch_rows)
        if self._is_small:
            return _Run(counts, batches, None)
        path = self._folder / f"run-{number:05}"
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1))
        with pa.ipc.new_stream(str(path), self._names.stored, options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)
        return _Run(counts, _read(path), path)

    def _take(self, symbol: Symbol, runs: list["_Run"]) -> Iterator[pa.Table]:
        for run in runs:
            for batch in run.take(symbol):
                yield self._names.decode(batch, symbol)


class _Run:
    """Rows by symbol, read from front to back."""

    def __init__(
        self, counts: dict[Symbol, int], batches: Iterator[pa.RecordBatch], path: Path | None
    ) -> None:
        self.counts = counts
        self._batches = batches
        self._path = path
        self._batch: pa.RecordBatch | None = None
        self._place = 0

    def take(self, symbol: Symbol) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the symbol that comes next."""
        wanted = self.counts.get(symbol, 0)
        while wanted:
            batch = self._batch
            if batch is None or self._place == len(batch):
                batch = self._batch = next(self._batches)
                self._place = 0
            count = min(wanted, len(batch) - self._place)
            yield batch.slice(self._place, count)
            self._place += count
            wanted -= count

    def close(self) -> None:
        """Let go of the file."""
        self._batch, self._batches = None, iter(())
        if self._path is not None:
            self._path.unlink(missing_ok=True)


class _Names:
    """Gives each name one number over the whole day, so that rows of all segments fit together."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._known: dict[str, dict[str, int]] = {
            field.name: {} for field in schema if field.type == _NAME
        }
        self._symbols: list[str] = []
        self.stored = pa.schema(
            [(field.name, _INT32 if field.type == _NAME else field.type) for field in schema]
        )

    def encode(self, table: pa.Table) -> pa.RecordBatch:
        """Return the rows with numbers in place of names."""
        columns = []
        for name in self._schema.names:
            column = table[name].combine_chunks()
            known = self._known.get(name)
            if known is not None:
                texts = column.dictionary.to_pylist()
                codes = [known.setdefault(text, len(known)) for text in texts]
                column = pa.array(codes, _INT32).take(column.indices)
            columns.append(column)
        self._symbols += list(self._known["symbol"])[len(self._symbols) :]
        return pa.RecordBatch.from_arrays(columns, schema=self.stored)

    def cut(self, batch: pa.RecordBatch) -> Iterator[Part]:
        """Yield the rows of each symbol; those of one follow each other."""
        runs = pc.run_end_encode(batch.column("symbol"))
        begin = 0
        for code, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            symbol = None if code is None else self._symbols[code]
            yield symbol, batch.slice(begin, end - begin)
            begin = end

    def decode(self, batch: pa.RecordBatch, symbol: Symbol) -> pa.Table:
        """Return the rows of one symbol as the tape has them."""
        columns = []
        for field, column in zip(self._schema, batch.columns, strict=True):
            known: Iterable[str] | None = self._known.get(field.name)
            if known is None:
                columns.append(column)
                continue
            codes = column
            if field.name == "symbol" and symbol is not None:
                known, codes = [symbol], pa.repeat(pa.scalar(0, _INT32), len(batch))
            texts = pa.array(list(known), pa.string())
            columns.append(pa.DictionaryArray.from_arrays(codes, texts, safe=False))
        return pa.Table.from_arrays(columns, schema=self._schema)


def _join(batches: Iterable[pa.RecordBatch], rows_max: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches of about so many."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += len(batch)
        if rows >= rows_max:
            joined = pa.concat_batches(held)
            held, rows = [], 0
            for begin in range(0, len(joined), rows_max):
                yield joined.slice(begin, rows_max)
    if held:
        yield pa.concat_batches(held)


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    options = pa.ipc.IpcReadOptions(use_threads=False)
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file, options=options) as reader:
        yield from reader


def _order(symbol: Symbol) -> tuple[bool, str]:
    """Return what orders symbols; rows of none come last."""
    return symbol is None, symbol or ""
