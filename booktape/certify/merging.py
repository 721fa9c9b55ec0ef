"""Merges sorted segments into one stream by symbol, in bounded memory.

It compares no rows: each segment is sorted by symbol, and segments come in the order of sessions
and events. So the rows of a symbol are those of each segment, one segment after the other. If they
do not fit into memory, it writes runs to the temporary folder: many segments' rows by symbol. Then
it reads all runs side by side, some rows of each at a time, with each event's own columns once.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
from msgspec import Struct

from booktape.certify.packing import Packed, Packing, Symbol, join
from booktape.segments.segment import Segment
from booktape.tables import SCHEMAS

RUN_ROWS: Final = 750_000  # held at a time: about 25 MB of a book, three times that in a sort
MERGED_ROWS: Final = 400_000  # of all runs together, during the reading side by side
BATCH_ROWS_MAX: Final = 64 * 1024
BATCH_ROWS_MIN: Final = 1024
_RUN_LEVEL: Final = 3  # runs and the file together take less than twice the day's segments


class SymbolRows(Struct, frozen=True):
    """All rows of one symbol, in batches."""

    symbol: Symbol
    rows: int
    tables: Iterator[pa.Table]


class Merge:
    """One table's rows of a day by symbol; rows without a symbol come last."""

    def __init__(self, table: str, segments: Iterable[Segment], rows: int, folder: Path) -> None:
        """Take segments by session and event number; `rows` counts all their rows."""
        self._names = SCHEMAS[table].names
        self._packing = Packing(table)
        self._segments = segments
        self._folder = folder
        self._is_small = rows <= RUN_ROWS
        runs = max(-(-rows // RUN_ROWS), 1)
        self._batch_rows = min(max(MERGED_ROWS // runs, BATCH_ROWS_MIN), BATCH_ROWS_MAX)

    def read(self) -> Iterator[SymbolRows]:
        """Yield the symbols in order; read each to its end before the next one."""
        runs: list[_Run] = []
        try:
            for held in self._gather():
                runs.append(self._make_run(held, len(runs)))
            rows: dict[Symbol, int] = defaultdict(int)
            for run in runs:
                for symbol, count in run.rows.items():
                    rows[symbol] += count
            for symbol in sorted(rows, key=_order):
                yield SymbolRows(symbol, rows[symbol], self._take(symbol, runs))
        finally:
            for run in runs:
                run.close()

    def _gather(self) -> Iterator[list[Packed]]:
        """Yield as many rows as it may hold, in the order of sessions and events."""
        held: list[Packed] = []
        rows = 0
        for segment in self._segments:
            for group in segment.groups:
                table = segment.read(group, self._names).combine_chunks()
                held.append(self._packing.pack(table))
                rows += table.num_rows
                if rows >= RUN_ROWS and not self._is_small:
                    yield held
                    held, rows = [], 0
        if held:
            yield held

    def _make_run(self, held: list[Packed], number: int) -> "_Run":
        joined = join(held)
        held.clear()
        packed = self._packing.sort(joined)
        del joined
        rows, events = {}, {}
        for symbol, part in self._packing.cut_symbols(packed):
            rows[symbol], events[symbol] = part.rows, len(part.events)
        batches = packed.cut(self._batch_rows)
        if self._is_small:
            return _Run(rows, events, batches, [])
        paths = [self._folder / f"run-{number:05}-{part}" for part in ("events", "levels")]
        schemas = [self._packing.events, self._packing.levels or pa.schema([])]
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=_RUN_LEVEL))
        with (
            pa.ipc.new_stream(str(paths[0]), schemas[0], options=options) as first,
            pa.ipc.new_stream(str(paths[1]), schemas[1], options=options) as second,
        ):
            for batch in batches:
                first.write_batch(batch.events)
                if batch.levels is not None:
                    second.write_batch(batch.levels)
        return _Run(rows, events, _read(paths, has_levels=bool(schemas[1])), paths)

    def _take(self, symbol: Symbol, runs: list["_Run"]) -> Iterator[pa.Table]:
        parts = (packed for run in runs for packed in run.take(symbol))
        for packed in _gather_batches(parts, BATCH_ROWS_MAX):
            yield self._packing.unpack(packed, symbol)


class _Run:
    """Rows by symbol, read once from the first to the last."""

    def __init__(
        self,
        rows: dict[Symbol, int],
        events: dict[Symbol, int],
        batches: Iterator[Packed],
        paths: list[Path],
    ) -> None:
        self.rows = rows
        self._events = events
        self._batches = batches
        self._paths = paths
        self._batch: Packed | None = None
        self._place = 0

    def take(self, symbol: Symbol) -> Iterator[Packed]:
        """Yield the rows of the next symbol, if it is this one."""
        wanted = self._events.get(symbol, 0)
        while wanted:
            batch = self._batch
            if batch is None or self._place == len(batch.events):
                batch = self._batch = next(self._batches)
                self._place = 0
            count = min(wanted, len(batch.events) - self._place)
            yield batch.slice(self._place, count)
            self._place += count
            wanted -= count

    def close(self) -> None:
        """Close and remove the files."""
        self._batch, self._batches = None, iter(())
        for path in self._paths:
            path.unlink(missing_ok=True)


def _gather_batches(parts: Iterable[Packed], rows_max: int) -> Iterator[Packed]:
    """Yield the rows in batches of about `rows_max`."""
    held: list[Packed] = []
    rows = 0
    for part in parts:
        for packed in part.cut(rows_max):
            held.append(packed)
            rows += packed.rows
            if rows >= rows_max:
                yield join(held)
                held, rows = [], 0
    if held:
        yield join(held)


def _read(paths: list[Path], *, has_levels: bool) -> Iterator[Packed]:
    options = pa.ipc.IpcReadOptions(use_threads=False)
    with (
        pa.OSFile(str(paths[0])) as first,
        pa.OSFile(str(paths[1])) as second,
        pa.ipc.open_stream(first, options=options) as events,
        pa.ipc.open_stream(second, options=options) as levels,
    ):
        for batch in events:
            level = next(iter(levels)) if has_levels else None
            yield Packed(batch, level, len(batch if level is None else level))


def _order(symbol: Symbol) -> tuple[bool, str]:
    """Return the sort key of a symbol; rows without a symbol come last."""
    return symbol is None, symbol or ""
