"""Defines the tables of a tape: their columns, and their form in Parquet."""

from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from booktape.keys import TABLES
from booktape.release import RELEASE, WRITER

SCHEMA_VERSION: Final = 2  # of the tables: a changed meaning needs a new one
# In a segment's footer.
SCHEMA_KEY, WRITER_KEY, RELEASE_KEY = b"booktape.schema", b"booktape.writer", b"booktape.release"
FIELD_ID: Final = b"PARQUET:field_id"  # identifies a column for readers that ignore names
FIELD_IDS_SINCE: Final = 2
FOOTER_END_BYTES: Final = 8  # the footer's length, four bytes, and "PAR1"
ROW_GROUP_ROWS_MAX: Final = 1024 * 1024

_TIME = pa.timestamp("us", tz="UTC")
_NAME = pa.dictionary(pa.int32(), pa.string())
_COMMON: Final = {
    "ts_recv": _TIME,
    "symbol": _NAME,
    "session": _NAME,
    "event_number": pa.int64(),
}
# Beside the columns that every table has; a name that ends in "?" is nullable.
_COLUMNS: Final[dict[str, dict[str, pa.DataType]]] = {
    # One row for each level; `is_snapshot` is also true of our own checkpoints.
    "book": {
        **_COMMON,
        "ts_event?": _TIME,
        "sequence?": pa.int64(),
        "previous?": pa.int64(),  # the sequence that a delta follows; null: its own less one
        "epoch": pa.int64(),
        "is_snapshot": pa.bool_(),
        "is_checkpoint": pa.bool_(),
        "side?": _NAME,
        "price?": pa.float64(),
        "size?": pa.float64(),
    },
    "trades": {
        **_COMMON,
        "ts_event?": _TIME,
        "trade_id": pa.string(),
        "side?": _NAME,
        "price": pa.float64(),
        "size": pa.float64(),
    },
    "ticker": {
        **_COMMON,
        "ts_event?": _TIME,
        "bid_price?": pa.float64(),
        "bid_size?": pa.float64(),
        "ask_price?": pa.float64(),
        "ask_size?": pa.float64(),
        "last_price?": pa.float64(),
    },
    # An exchange's description of its markets; an increment is the least step of a price or a size.
    "instruments": {
        **_COMMON,
        "raw_symbol": pa.string(),
        "base": pa.string(),
        "quote": pa.string(),
        "status": _NAME,
        "price_decimals?": pa.int32(),
        "size_decimals?": pa.int32(),
        "price_increment?": pa.float64(),
        "size_increment?": pa.float64(),
        "min_size?": pa.float64(),
        "max_size?": pa.float64(),
        "min_notional?": pa.float64(),
        "max_notional?": pa.float64(),
        "reason": _NAME,
        "info": pa.string(),
    },
    "feed_events": {
        **{name + "?" * (name == "symbol"): type_ for name, type_ in _COMMON.items()},
        "kind": _NAME,
        "sequence_expected?": pa.int64(),
        "sequence_received?": pa.int64(),
        "detail": pa.string(),
    },
}
assert tuple(_COLUMNS) == TABLES


def _schema(version: int, columns: dict[str, pa.DataType]) -> pa.Schema:
    """Return the schema of these columns.

    Their ids are 1, 2, ... in their order. The next id is reserved for `exchange`, which is only in
    the key; a later column takes the id after that, and no id is used twice.
    """
    fields = [
        pa.field(
            name.removesuffix("?"),
            type_,
            nullable=name.endswith("?"),
            metadata={FIELD_ID: str(number)} if version >= FIELD_IDS_SINCE else None,
        )
        for number, (name, type_) in enumerate(columns.items(), 1)
    ]
    release = {RELEASE_KEY: RELEASE} if version >= FIELD_IDS_SINCE else {}
    return pa.schema(fields, metadata={SCHEMA_KEY: str(version), WRITER_KEY: WRITER, **release})


SCHEMAS: Final = {table: _schema(SCHEMA_VERSION, columns) for table, columns in _COLUMNS.items()}
SCHEMAS_BY_VERSION: Final[dict[int, dict[str, pa.Schema]]] = {
    1: {
        table: _schema(1, {name: columns[name] for name in columns if name != "previous?"})
        for table, columns in _COLUMNS.items()
        if table != "instruments"
    },
    SCHEMA_VERSION: SCHEMAS,
}
SORT_KEYS: Final = (("symbol", "ascending"), ("event_number", "ascending"))
_QUICK_LEVEL: Final = 3
_BATCH_ROWS: Final = 64 * 1024  # to encode at once: a tenth faster than Arrow's 1024
# Numbers that grow by little from row to row.
_DELTA_COLUMNS: Final = ("event_number", "sequence", "previous")


def parquet_options(table: str, *, level: int = _QUICK_LEVEL) -> dict[str, Any]:
    """Return the options of `parquet.ParquetWriter` that make the table's segments small.

    `level` is zstd's, for all columns but times: they would take a sixth of a flush's CPU for 0.4 %
    of its bytes. In symbol order a dictionary of times, prices or sizes costs more than it saves,
    and a sequence takes a tenth of a byte as deltas.
    """
    schema = SCHEMAS[table]
    return {
        "compression": "zstd",
        "compression_level": {
            field.name: _QUICK_LEVEL if field.type == _TIME else level for field in schema
        },
        "use_dictionary": [field.name for field in schema if field.type == _NAME],
        "column_encoding": {
            name: "DELTA_BINARY_PACKED" for name in schema.names if name in _DELTA_COLUMNS
        },
        "write_batch_size": _BATCH_ROWS,
        "write_page_index": True,
        "write_page_checksum": True,
        "sorting_columns": parquet.SortingColumn.from_ordering(schema, SORT_KEYS),
    }
