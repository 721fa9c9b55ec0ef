"""The tables of a tape: their columns, and how Parquet holds them."""

from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from booktape.keys import TABLES
from booktape.manifest import WRITER

SCHEMA_VERSION: Final = 1  # of the tables: a changed meaning is a new one
SCHEMA_KEY, WRITER_KEY = b"booktape.schema", b"booktape.writer"  # in a segment's footer
ROW_GROUP_ROWS_MAX: Final = 1024 * 1024

_TIME = pa.timestamp("us", tz="UTC")
_NAME = pa.dictionary(pa.int32(), pa.string())


def _schema(*fields: tuple[str, pa.DataType], symbol_is_nullable: bool = False) -> pa.Schema:
    """Return the columns that every table has, then these; a name ending in "?" is nullable."""
    common = (
        ("ts_recv", _TIME),
        ("symbol?" if symbol_is_nullable else "symbol", _NAME),
        ("session", _NAME),
        ("event_number", pa.int64()),
    )
    return pa.schema(
        [
            pa.field(name.removesuffix("?"), type_, nullable=name.endswith("?"))
            for name, type_ in common + fields
        ],
        metadata={SCHEMA_KEY: str(SCHEMA_VERSION), WRITER_KEY: WRITER},
    )


SCHEMAS: Final[dict[str, pa.Schema]] = {
    # One row for each level; `is_snapshot` is also true of our own checkpoints.
    "book": _schema(
        ("ts_event?", _TIME),
        ("sequence?", pa.int64()),
        ("epoch", pa.int64()),
        ("is_snapshot", pa.bool_()),
        ("is_checkpoint", pa.bool_()),
        ("side?", _NAME),
        ("price?", pa.float64()),
        ("size?", pa.float64()),
    ),
    "trades": _schema(
        ("ts_event?", _TIME),
        ("trade_id", pa.string()),
        ("side?", _NAME),
        ("price", pa.float64()),
        ("size", pa.float64()),
    ),
    "ticker": _schema(
        ("ts_event?", _TIME),
        ("bid_price?", pa.float64()),
        ("bid_size?", pa.float64()),
        ("ask_price?", pa.float64()),
        ("ask_size?", pa.float64()),
        ("last_price?", pa.float64()),
    ),
    "feed_events": _schema(
        ("kind", _NAME),
        ("sequence_expected?", pa.int64()),
        ("sequence_received?", pa.int64()),
        ("detail", pa.string()),
        symbol_is_nullable=True,
    ),
}
assert tuple(SCHEMAS) == TABLES
SORT_KEYS: Final = (("symbol", "ascending"), ("event_number", "ascending"))
_BATCH_ROWS: Final = 64 * 1024  # encoded at once: a tenth faster than Arrow's 1024
# Numbers that grow by little from row to row.
_DELTA_COLUMNS: Final = ("event_number", "sequence")


def parquet_options(table: str) -> dict[str, Any]:
    """Return the options of `parquet.ParquetWriter` that make the table's segments small.

    In symbol order a dictionary of times, prices or sizes costs more than it saves, and a
    sequence takes a tenth of a byte as deltas.
    """
    schema = SCHEMAS[table]
    return {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": [field.name for field in schema if field.type == _NAME],
        "column_encoding": {
            name: "DELTA_BINARY_PACKED" for name in schema.names if name in _DELTA_COLUMNS
        },
        "write_batch_size": _BATCH_ROWS,
        "write_page_index": True,
        "write_page_checksum": True,
        "sorting_columns": parquet.SortingColumn.from_ordering(schema, SORT_KEYS),
    }
