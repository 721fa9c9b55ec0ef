"""Reads the rows of a day's files side by side, symbol by symbol."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from booktape.segments.segment import Segment


class Part(Struct, frozen=True):
    """Rows of one symbol in one file."""

    symbol: str | None
    table: str
    revision: int
    rows: pa.Table


class DayTable(Struct, frozen=True):
    """One file of a day, and which of its columns are read."""

    table: str
    revision: int
    segment: Segment
    columns: Sequence[str]


def read_symbols(files: Iterable[DayTable]) -> Iterator[tuple[str | None, Iterator[Part]]]:
    """Yield each symbol that has rows in any of the files, those of no symbol last.

    Its parts come file by file; the parts of one symbol must be taken before the next one.
    """
    parts = merge(*map(_read_parts, files), key=lambda part: _order(part.symbol))
    yield from groupby(parts, key=lambda part: part.symbol)


def _read_parts(file: DayTable) -> Iterator[Part]:
    names = list(dict.fromkeys(("symbol", *file.columns)))
    for group in file.segment.groups:
        table = file.segment.read(group, names).combine_chunks()
        column = table["symbol"].chunk(0)
        runs = pc.run_end_encode(column.indices)
        texts = column.dictionary.to_pylist()
        begin = 0
        for code, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            symbol = None if code is None else texts[code]
            yield Part(symbol, file.table, file.revision, table.slice(begin, end - begin))
            begin = end


def _order(symbol: str | None) -> tuple[bool, str]:
    return symbol is None, symbol or ""
