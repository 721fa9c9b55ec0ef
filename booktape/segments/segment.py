"""Opens a segment of a tape: proves the footer before Arrow sees it, each page as Arrow reads."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from pyarrow import parquet

from booktape.checksum import crc32c
from booktape.errors import DamagedSegment, NewerSchema
from booktape.manifest import TableEntry
from booktape.segments.pages import BadPage, Chunk, check_pages
from booktape.segments.ranges import (
    MAGIC,
    Gather,
    Range,
    Source,
    join_ranges,
    take_turns,
    with_magic,
)
from booktape.store.protocol import Store
from booktape.tables import (
    FOOTER_END_BYTES,
    SCHEMA_KEY,
    SCHEMA_VERSION,
    SCHEMAS,
    SCHEMAS_BY_VERSION,
)

WHOLE_BYTES_MAX: Final = 1024 * 1024  # a segment up to this size comes in one request
SMALL_BYTES_MAX: Final = 256 * 1024  # up to this size one read of all columns beats two reads
HELD_GAP_BYTES_MAX: Final = 256 * 1024  # fetch a smaller gap between two ranges with them


class Rows(Struct, frozen=True):
    """The place of rows in a segment: a row group, the first row, their number."""

    group: int
    first: int
    count: int


class Segment:
    """One segment: proves its footer at once, and each page when it reads it."""

    def __init__(
        self, store: Store, entry: TableEntry, table: str, gather: Gather = take_turns
    ) -> None:
        """Prove the footer; `gather` asks for several ranges at once."""
        self.key = entry.key
        self._gather = gather
        self._table = table
        self._store = store
        self._bytes = entry.bytes
        self._whole: bytes | None = None
        self._held: list[tuple[int, bytes]] = []
        self._source = Source(entry.bytes)
        self._file: parquet.ParquetFile | None = None
        is_summed = entry.footer_bytes is not None
        if not is_summed or entry.bytes <= WHOLE_BYTES_MAX:
            data = store.get(entry.key)
            if len(data) != entry.bytes:
                raise self._damaged(f"it has {len(data)} bytes, not {entry.bytes}")
            if not is_summed and hashlib.sha256(data).hexdigest() != entry.sha256:
                raise self._damaged("it is not what its checksum says")
            if entry.bytes <= WHOLE_BYTES_MAX:
                self._whole = data
        else:
            data = b""
        self._metadata = self._read_footer(entry, data)
        self.schema: pa.Schema = self._check_schema(table)
        self._places = {name: place for place, name in enumerate(self.schema.names)}
        self.groups = range(self._metadata.num_row_groups)
        self.rows = entry.rows
        if self._metadata.num_rows != entry.rows:
            raise self._damaged(f"it has {self._metadata.num_rows} rows, not {entry.rows}")

    @property
    def is_at_hand(self) -> bool:
        """Return whether the number of reads costs more than the number of columns."""
        return bool(self._held) or self._bytes <= SMALL_BYTES_MAX

    @property
    def kept_bytes(self) -> int:
        """Return the number of the object's bytes in memory."""
        return len(self._whole or b"") + sum(len(data) for _, data in self._held)

    def forget_bytes(self) -> None:
        """Read by ranges from now on, as from a large segment."""
        self._held = []
        if self._whole is not None:
            self._whole = self._file = None

    def hold(self, symbol: str, columns: Sequence[str]) -> None:
        """Fetch columns of the row groups of a symbol before their use."""
        if self._whole is not None or self._held:
            return
        places = [self._places[name] for name in ("symbol", *columns) if name in self._places]
        groups = [self._metadata.row_group(group) for group in self.find_groups(symbol)]
        ranges = sorted(_find_range(group.column(place)) for group in groups for place in places)
        joined = join_ranges(with_magic(ranges), gap_bytes_max=HELD_GAP_BYTES_MAX)
        self._held = self._ask(list(joined))

    def read_symbol(self, symbol: str, columns: Sequence[str]) -> Iterator[tuple[Rows, pa.Table]]:
        """Yield the places of a symbol's rows and the rows, in the order of events.

        The rows are adjacent, and keep nothing else in memory.
        """
        for group in self.find_groups(symbol):
            table = self.read(group, list(dict.fromkeys(("symbol", *columns))))
            rows = self._find_rows(symbol, group, table["symbol"])
            if rows.count:
                yield rows, _cut(table.select(list(columns)), rows)

    def read_all(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Yield each row group's rows and their symbols, which are in order."""
        for group in self.groups:
            table = self.read(group, list(dict.fromkeys(("symbol", *columns))))
            runs = pc.run_end_encode(table["symbol"].combine_chunks().indices).values
            if len(pc.unique(runs)) != len(runs):
                raise self._damaged("it is not sorted by symbol")
            yield group, table

    def read_rows(self, rows: Rows, columns: Sequence[str]) -> pa.Table:
        """Return the rows at a place found before."""
        return _cut(self.read(rows.group, columns), rows)

    def _find_rows(self, symbol: str, group: int, column: pa.ChunkedArray) -> Rows:
        names = column.combine_chunks()
        place = pc.index(names.dictionary, symbol).as_py()
        runs = pc.run_end_encode(names.indices)
        codes, ends = runs.values.to_pylist(), [0, *runs.run_ends.to_pylist()]
        if place not in codes:
            return Rows(group, 0, 0)
        if codes.count(place) > 1:
            raise self._damaged("it is not sorted by symbol")
        run = codes.index(place)
        return Rows(group, ends[run], ends[run + 1] - ends[run])

    def find_symbols(self) -> frozenset[str]:
        """Return the symbols that have rows."""
        found: set[str] = set()
        for group in self.groups:
            names = self.read(group, ["symbol"])["symbol"].cast(pa.string())
            found.update(pc.unique(names.drop_null()).to_pylist())
        return frozenset(found)

    def read(self, group: int, columns: Sequence[str]) -> pa.Table:
        """Return columns of a row group, as the newest schema has them.

        Columns that an older schema lacks are null.
        """
        there = [name for name in columns if name in self._places]
        table = self._read(group, there)
        for name in columns:
            if name not in self._places:
                field = SCHEMAS[self._table].field(name)
                table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        return table.select(list(columns))

    def _read(self, group: int, columns: Sequence[str]) -> pa.Table:
        places = [self._places[name] for name in columns]
        chunks = [self._metadata.row_group(group).column(place) for place in places]
        ranges = [_find_range(chunk) for chunk in chunks]
        source = self._source
        source.hold(self._fetch(ranges))
        checksums = set()
        for chunk, (first, length) in zip(chunks, ranges, strict=True):
            try:
                checksums |= check_pages(source.find(first, length), _describe(chunk))
            except BadPage as error:
                raise self._damaged(f"{chunk.path_in_schema}: {error}") from None
        if checksums == {True, False}:  # all pages of a file have a checksum, or none has
            raise self._damaged("a page has no checksum")
        try:
            if self._file is None:
                file = pa.PythonFile(source, mode="r")
                self._file = _open_parquet(file, self._metadata)
            table = self._file.read_row_group(group, columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(str(error).partition("\n")[0]) from None
        source.hold([])
        if table.num_rows != self._metadata.row_group(group).num_rows:
            raise self._damaged("a column has other rows than its row group")
        return table

    def _read_footer(self, entry: TableEntry, data: bytes) -> parquet.FileMetaData:
        length = entry.bytes if entry.footer_bytes is None else entry.footer_bytes
        first = entry.bytes - length
        if first < 0:
            raise self._damaged("its manifest counts a longer footer")
        tail = data[first:] if data else self._store.get_range(entry.key, first, length)
        if len(tail) != length:
            raise self._damaged("it ends before its footer")
        if entry.footer_crc32c is not None and crc32c(tail) != entry.footer_crc32c:
            raise self._damaged("its footer is not what its checksum says")
        said = int.from_bytes(tail[-FOOTER_END_BYTES:-4], "little") + FOOTER_END_BYTES
        is_whole = tail.endswith(MAGIC) and said <= length
        if not is_whole or (entry.footer_bytes is not None and said != length):
            raise self._damaged("it has no footer")
        try:
            if self._whole is None:
                return parquet.read_metadata(pa.BufferReader(tail))
            self._file = _open_parquet(pa.BufferReader(self._whole))
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(str(error).partition("\n")[0]) from None
        return self._file.metadata

    def _check_schema(self, table: str) -> pa.Schema:
        file, metadata = self._file, self._metadata
        schema = file.schema_arrow if file else metadata.schema.to_arrow_schema()
        said = (schema.metadata or {}).get(SCHEMA_KEY, b"").decode(errors="replace")
        version = int(said) if said.isascii() and said.isdecimal() else 0
        if version > SCHEMA_VERSION:
            raise NewerSchema(self.key, version)
        wanted = SCHEMAS_BY_VERSION.get(version, {}).get(table)
        if wanted is None or not schema.equals(wanted):
            raise self._damaged("it has other columns than the tape's")
        return schema

    def find_groups(self, symbol: str) -> Iterator[int]:
        """Yield the row groups that may have rows of a symbol."""
        for group, edges in zip(self.groups, self._edges, strict=True):
            if edges is None or edges[0] <= symbol <= edges[1]:
                yield group

    @cached_property
    def _edges(self) -> list[tuple[str, str] | None]:
        """Return the first and the last symbol of each row group, where its statistics say them."""
        place = self._places["symbol"]
        found: list[tuple[str, str] | None] = []
        for group in self.groups:
            said = self._metadata.row_group(group).column(place).statistics
            found.append((said.min, said.max) if said and said.has_min_max else None)
        return found

    def _fetch(self, ranges: Iterable[Range]) -> list[tuple[int, bytes]]:
        wanted = list(join_ranges(sorted(with_magic(ranges))))
        found = [part for part in map(self._find_kept, wanted) if part is not None]
        if len(found) < len(wanted):
            found = self._ask(wanted)
        for first, data in found:
            if not first and not data.startswith(MAGIC):
                raise self._damaged("it does not begin as Parquet")
        return found

    def _find_kept(self, wanted: Range) -> tuple[int, bytes] | None:
        first, length = wanted
        kept = self._held if self._whole is None else [(0, self._whole)]
        for begin, data in kept:
            if begin <= first and first + length <= begin + len(data):
                return first, data[first - begin : first - begin + length]
        return None

    def _ask(self, ranges: Sequence[Range]) -> list[tuple[int, bytes]]:
        found = self._gather(lambda one: self._store.get_range(self.key, *one), ranges)
        for (_, length), data in zip(ranges, found, strict=True):
            if len(data) != length:
                raise self._damaged("it ends before its rows do")
        return [(first, data) for (first, _), data in zip(ranges, found, strict=True)]

    def _damaged(self, reason: str) -> DamagedSegment:
        return DamagedSegment(self.key, reason)


def _open_parquet(
    file: pa.NativeFile, metadata: parquet.FileMetaData | None = None
) -> parquet.ParquetFile:
    return parquet.ParquetFile(
        file, metadata=metadata, pre_buffer=False, page_checksum_verification=True
    )


def _cut(table: pa.Table, rows: Rows) -> pa.Table:
    """Return some rows of a table; copy a few of many, so as to free the others."""
    if rows.count * 2 > table.num_rows:
        return table.slice(rows.first, rows.count)
    return table.take(pa.arange(rows.first, rows.first + rows.count))


def _describe(chunk: parquet.ColumnChunkMetaData) -> Chunk:
    return Chunk(
        chunk.num_values,
        chunk.total_compressed_size,
        chunk.total_uncompressed_size,
        chunk.encodings,
        chunk.has_dictionary_page,
    )


def _find_range(chunk: parquet.ColumnChunkMetaData) -> Range:
    first = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    return first, chunk.total_compressed_size
