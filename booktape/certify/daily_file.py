"""Writes a daily file: one table of a day, by symbol, session, event number."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from booktape.certificate import DailyEntry
from booktape.certify.content import ContentSum
from booktape.checksum import crc32c
from booktape.hashed_file import HashedFile
from booktape.tables import SCHEMAS, parquet_options

# The manifests of a file's rows: an interrupted certifier goes on with just these.
MANIFESTS_KEY: Final = b"booktape.manifests"
SHARED_GROUP_ROWS_MAX: Final = 128 * 1024  # of several symbols in one row group
GROUP_ROWS_MAX: Final = 256 * 1024  # of one symbol
# A dictionary has room for every value of a row group, so that no column has two encodings.
_DICTIONARY_BYTES_MAX: Final = 8 * GROUP_ROWS_MAX
_LEVEL: Final = 9
_INT64: Final = pa.int64()
_US: Final = 1000  # ns


def daily_options(table: str) -> dict[str, Any]:
    """Return the options of `parquet.ParquetWriter`: a segment's, but for the smallest file.

    Prices and sizes of one symbol repeat over a day, so that a dictionary pays.
    """
    options = parquet_options(table)
    levels = ["price", "size"] if table == "book" else []
    order = (("symbol", "ascending"), ("session", "ascending"), ("event_number", "ascending"))
    return options | {
        "compression_level": _LEVEL,
        "use_dictionary": [*options["use_dictionary"], *levels],
        "dictionary_pagesize_limit": _DICTIONARY_BYTES_MAX,
        "sorting_columns": parquet.SortingColumn.from_ordering(SCHEMAS[table], order),
    }


class DailyFile:
    """A file during its writing; a row group holds whole small symbols, or a part of one."""

    def __init__(
        self,
        path: Path,
        table: str,
        manifests: list[str],
        watch: Callable[[pa.Table], None] | None = None,
    ) -> None:
        """Begin the file; `watch` gets each row group."""
        self._table = table
        self._watch = watch
        self._file = path.open("wb")
        self._hashed = HashedFile(self._file)
        named = {MANIFESTS_KEY: msgspec.json.encode(manifests)}
        schema = SCHEMAS[table]
        self.schema = schema.with_metadata({**schema.metadata, **named})
        self._writer = parquet.ParquetWriter(
            pa.PythonFile(self._hashed, mode="w"), self.schema, **daily_options(table)
        )
        self._content = ContentSum(schema)
        self._held: list[pa.Table] = []
        self._held_rows = self._rows = 0
        self._is_symbol_alone = False  # the held rows belong to a symbol with row groups of its own
        self._times: list[int] = []

    def begin_symbol(self, rows: int) -> None:
        """Begin a symbol with `rows` rows; symbols with few rows share a row group."""
        if self._is_symbol_alone or self._held_rows + rows > SHARED_GROUP_ROWS_MAX:
            self._write(self._held_rows)
        self._is_symbol_alone = rows > SHARED_GROUP_ROWS_MAX

    def add(self, rows: pa.Table) -> None:
        """Add the symbol's next rows."""
        self._held.append(rows)
        self._held_rows += rows.num_rows
        while self._held_rows >= GROUP_ROWS_MAX:
            self._write(GROUP_ROWS_MAX)

    def close(self, key: str, revision: int, events: int) -> DailyEntry:
        """Finish and sync the file; return its entry for the certificate."""
        self._write(self._held_rows)
        self._hashed.keeps_end = True
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        footer = self._hashed.footer()
        return DailyEntry(
            key=key,
            rows=self._rows,
            bytes=self._hashed.bytes,
            sha256=self._hashed.sha256.hexdigest(),
            footer_bytes=len(footer),
            footer_crc32c=crc32c(footer),
            events=events,
            ts_recv_min=min(self._times) * _US,
            ts_recv_max=max(self._times) * _US,
            table=self._table,
            revision=revision,
            content_sha256=self._content.hexdigest(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError, pa.ArrowException):  # perhaps the same error again
            self._writer.close()
        with suppress(OSError):
            self._file.close()

    def _write(self, rows: int) -> None:
        """Write the first `rows` held rows as one row group."""
        if not rows:
            return
        held = pa.concat_tables(self._held)
        rest = held.slice(rows)
        self._held = [rest] if rest.num_rows else []
        self._held_rows -= rows
        group = held.slice(0, rows).unify_dictionaries().combine_chunks()
        del held
        self._writer.write_table(group.cast(self.schema), row_group_size=GROUP_ROWS_MAX)
        self._content.add(group)
        if self._watch is not None:
            self._watch(group)
        self._rows += rows
        times = pc.min_max(group["ts_recv"].cast(_INT64)).as_py()
        self._times = [*self._times[-2:], times["min"], times["max"]]
        self._times = [min(self._times), max(self._times)]
