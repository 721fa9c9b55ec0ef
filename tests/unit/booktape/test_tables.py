from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from booktape.manifest import WRITER
from booktape.tables import SCHEMAS, parquet_options

SESSION = "20261122T091500.123456Z-bitvavo-a"
COMMON = {
    "ts_recv": "timestamp[us, tz=UTC]",
    "symbol": "dictionary<values=string, indices=int32, ordered=0>",
    "session": "dictionary<values=string, indices=int32, ordered=0>",
    "event_number": "int64",
}
NAME = COMMON["symbol"]
TIME = COMMON["ts_recv"]


def describe(schema: pa.Schema) -> dict[str, str]:
    return {f.name + "?" * f.nullable: str(f.type) for f in schema}


def test_the_book_has_one_row_for_each_level() -> None:
    assert {
        **COMMON,
        "ts_event?": TIME,
        "sequence?": "int64",
        "epoch": "int64",
        "is_snapshot": "bool",
        "is_checkpoint": "bool",
        "side?": NAME,
        "price?": "double",
        "size?": "double",
    } == describe(SCHEMAS["book"])


def test_a_trade_has_an_id_and_perhaps_a_side() -> None:
    assert {
        **COMMON,
        "ts_event?": TIME,
        "trade_id": "string",
        "side?": NAME,
        "price": "double",
        "size": "double",
    } == describe(SCHEMAS["trades"])


def test_a_ticker_knows_what_the_exchange_said() -> None:
    names = ("bid_price?", "bid_size?", "ask_price?", "ask_size?", "last_price?")
    expected = {**COMMON, "ts_event?": TIME, **dict.fromkeys(names, "double")}
    assert expected == describe(SCHEMAS["ticker"])


def test_a_feed_event_may_concern_no_symbol() -> None:
    expected = {
        **{name + "?" * (name == "symbol"): type_ for name, type_ in COMMON.items()},
        "kind": NAME,
        "sequence_expected?": "int64",
        "sequence_received?": "int64",
        "detail": "string",
    }
    assert expected == describe(SCHEMAS["feed_events"])
    assert list(expected) == list(describe(SCHEMAS["feed_events"]))


def test_columns_come_in_the_order_of_the_contract() -> None:
    assert all(schema.names[:4] == list(COMMON) for schema in SCHEMAS.values())
    last = ["epoch", "is_snapshot", "is_checkpoint", "side", "price", "size"]
    assert last == SCHEMAS["book"].names[-6:]


def test_a_segment_is_written_as_the_contract_says(tmp_path: Path) -> None:
    path = tmp_path / "book.parquet"
    schema = SCHEMAS["book"]
    rows = pa.Table.from_pylist([dict(zip(schema.names, ROW, strict=True))], schema)
    with parquet.ParquetWriter(path, schema, **parquet_options("book")) as writer:
        writer.write_table(rows)
    metadata = parquet.ParquetFile(path).metadata
    group = metadata.row_group(0)
    columns = {
        column.path_in_schema: column
        for column in (group.column(place) for place in range(metadata.num_columns))
    }
    assert {"ZSTD"} == {column.compression for column in columns.values()}
    assert all(c.has_column_index and c.has_offset_index for c in columns.values())
    assert all(c.is_stats_set for c in columns.values())
    for name in ("sequence", "event_number"):
        assert "DELTA_BINARY_PACKED" in columns[name].encodings
    for name in ("price", "size", "ts_recv", "ts_event"):
        assert "RLE_DICTIONARY" not in columns[name].encodings
    for name in ("symbol", "session", "side"):
        assert "RLE_DICTIONARY" in columns[name].encodings
    assert (1, 3) == tuple(column.column_index for column in group.sorting_columns)
    assert (b"1", WRITER.encode()) == (
        metadata.metadata[b"booktape.schema"],
        metadata.metadata[b"booktape.writer"],
    )


ROW = (0, "BTC-EUR", SESSION, 0, 0, 1, 0, True, False, "bid", 1.0, 1.0)
