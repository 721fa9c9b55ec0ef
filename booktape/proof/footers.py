"""Compares a segment's footer with its manifest before Arrow reads the columns."""

from typing import Final

import pyarrow as pa
from pyarrow import parquet

from booktape.checksum import crc32c
from booktape.errors import TapeError
from booktape.manifest import TableEntry
from booktape.tables import (
    FIELD_ID,
    FIELD_IDS_SINCE,
    FOOTER_END_BYTES,
    SCHEMA_KEY,
    SCHEMAS,
    SCHEMAS_BY_VERSION,
)

MAGIC: Final = b"PAR1"
# The errors of Arrow for a file that is no Parquet, or that contradicts its own footer.
UNREADABLE: Final = (
    *(pa.ArrowException, OSError, ValueError, TypeError),
    *(LookupError, MemoryError, RuntimeError),
)


def read_table(name: str, data: bytes, entry: TableEntry, version: int) -> pa.Table:
    """Return the rows of a segment whose manifest has this version, with the newest columns.

    Columns that an older version lacks are null. Raise `TapeError` if the segment contradicts its
    manifest or its version.
    """
    _check_footer(name, data, entry)
    try:
        file = parquet.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        schema = file.schema_arrow
        _check_schema(name, schema, version)
        table = file.read(use_threads=False)
    except UNREADABLE as error:
        raise TapeError(f"{name} cannot be read as Parquet: {error}") from None
    if not table.num_rows:
        raise TapeError(f"{name} has no rows")
    newest = SCHEMAS[name]
    columns = [
        table[field.name] if field.name in schema.names else _make_nulls(table, field)
        for field in newest
    ]
    return pa.Table.from_arrays(columns, schema=newest)


def _check_footer(name: str, data: bytes, entry: TableEntry) -> None:
    """Check the last bytes of the file: a flipped bit there can end the process that reads it.

    A manifest of version 1 has only the checksum of the whole.
    """
    if entry.footer_bytes is None:
        return
    length = int.from_bytes(data[-FOOTER_END_BYTES : -len(MAGIC)], "little") + FOOTER_END_BYTES
    if not data.endswith(MAGIC) or length > len(data):
        raise TapeError(f"{name} has no footer")
    if length != entry.footer_bytes:
        said = f"its manifest says {entry.footer_bytes}"
        raise TapeError(f"{name} has a footer of {length} bytes, {said}")
    if crc32c(data[-length:]) != entry.footer_crc32c:
        raise TapeError(f"{name} has a footer that is not what its checksum says")


def _check_schema(name: str, schema: pa.Schema, version: int) -> None:
    said = (schema.metadata or {}).get(SCHEMA_KEY)
    if said != str(version).encode():
        names = "no schema" if said is None else f"schema {said.decode(errors='replace')}"
        raise TapeError(f"{name} names {names}, its manifest is of version {version}")
    wanted = SCHEMAS_BY_VERSION[version].get(name)
    if wanted is None or not schema.equals(wanted):
        raise TapeError(f"{name} has other columns than the tape's")
    if version >= FIELD_IDS_SINCE:
        for field, expected in zip(schema, wanted, strict=True):
            number = (field.metadata or {}).get(FIELD_ID, b"none")
            if number != expected.metadata[FIELD_ID]:
                found = number.decode(errors="replace")
                raise TapeError(f"{name} has column {field.name} under the id {found}")


def _make_nulls(table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(table.num_rows, field.type)])
