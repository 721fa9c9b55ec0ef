from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from booktape.release import RELEASE, WRITER
from booktape.tables import FIELD_ID, SCHEMAS, SCHEMAS_BY_VERSION, parquet_options

SESSION = "20261122T091500.123456Z-bitvavo-a"
COMMON = {
    "ts_recv": "timestamp[us, tz=UTC]",
    "symbol": "dictionary<values=string, indices=int32, ordered=0>",
    "session": "dictionary<values=string, indices=int32, ordered=0>",
    "event_number": "int64",
}
NAME = COMMON["symbol"]
TIME = COMMON["ts_recv"]


IDS = {"book": 13, "trades": 9, "ticker": 10, "instruments": 18, "feed_events": 8}


def describe(schema: pa.Schema) -> dict[str, str]:
    return {f.name + "?" * f.nullable: str(f.type) for f in schema}


def test_the_book_has_one_row_for_each_level() -> None:
    assert {
        **COMMON,
        "ts_event?": TIME,
        "sequence?": "int64",
        "previous?": "int64",
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


def test_an_instrument_knows_what_the_exchange_said() -> None:
    texts, names = ("raw_symbol", "base", "quote"), ("status", "reason")
    decimals = ("price_decimals?", "size_decimals?")
    numbers = ("price_increment?", "size_increment?", "min_size?", "max_size?")
    expected = {
        **COMMON,
        **dict.fromkeys(texts, "string"),
        "status": NAME,
        **dict.fromkeys(decimals, "int32"),
        **dict.fromkeys((*numbers, "min_notional?", "max_notional?"), "double"),
        **dict.fromkeys(names[1:], NAME),
        "info": "string",
    }
    assert expected == describe(SCHEMAS["instruments"])
    assert list(expected) == list(describe(SCHEMAS["instruments"]))


def test_the_first_version_knew_no_predecessor_and_no_instruments() -> None:
    first = SCHEMAS_BY_VERSION[1]
    assert ["book", "trades", "ticker", "feed_events"] == list(first)
    for table, schema in first.items():
        columns = describe(SCHEMAS[table])
        columns.pop("previous?", None)
        assert columns == describe(schema)
        assert all(FIELD_ID not in (field.metadata or {}) for field in schema)
        assert b"1" == schema.metadata[b"booktape.schema"]


def test_each_column_has_the_id_of_its_place() -> None:
    for table, schema in SCHEMAS.items():
        ids = [int(field.metadata[FIELD_ID]) for field in schema]
        assert list(range(1, IDS[table] + 1)) == ids, "an id names one column for ever"


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
    last = [
        "sequence",
        "previous",
        "epoch",
        "is_snapshot",
        "is_checkpoint",
        "side",
        "price",
        "size",
    ]
    assert last == SCHEMAS["book"].names[-8:]


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
    for name in ("sequence", "previous", "event_number"):
        assert "DELTA_BINARY_PACKED" in columns[name].encodings
    for name in ("price", "size", "ts_recv", "ts_event"):
        assert "RLE_DICTIONARY" not in columns[name].encodings
    for name in ("symbol", "session", "side"):
        assert "RLE_DICTIONARY" in columns[name].encodings
    assert (1, 3) == tuple(column.column_index for column in group.sorting_columns)
    ids = [field.metadata[FIELD_ID] for field in parquet.ParquetFile(path).schema_arrow]
    assert [str(number).encode() for number in range(1, IDS["book"] + 1)] == ids
    assert (b"2", WRITER.encode(), RELEASE.encode()) == (
        metadata.metadata[b"booktape.schema"],
        metadata.metadata[b"booktape.writer"],
        metadata.metadata[b"booktape.release"],
    )


ROW = (0, "BTC-EUR", SESSION, 0, 0, 9, 7, 0, True, False, "bid", 1.0, 1.0)
