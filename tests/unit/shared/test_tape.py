import tomllib
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from shared.errors import TapeError
from shared.tape import (
    SCHEMAS,
    WRITER,
    Key,
    Manifest,
    TableEntry,
    date_of,
    day_of,
    decode_manifest,
    encode_manifest,
    exchange_of,
    line_of,
    manifest_key,
    parquet_options,
    parse_key,
    segment_key,
)

SESSION = "20261122T091500.123456Z-bitvavo-a"
PLACE = ("bitvavo", "2026-11-22", SESSION, 7, 1234567890123)
SEGMENT = (
    "tape/book/exchange=bitvavo/date=2026-11-22/"
    "20261122T091500.123456Z-bitvavo-a-000000000007-1234567890123.parquet"
)
MANIFEST = SEGMENT.replace("tape/book", "ledger").replace(".parquet", ".json")
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


def test_the_writer_is_this_release() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"booktape {project['version']}" == WRITER


def test_a_key_names_table_exchange_date_session_and_range() -> None:
    assert segment_key("book", *PLACE) == SEGMENT
    assert manifest_key(*PLACE) == MANIFEST


@pytest.mark.parametrize(("key", "table"), [(SEGMENT, "book"), (MANIFEST, None)])
def test_a_key_says_what_it_was_made_of(key: str, table: str | None) -> None:
    assert Key(table, *PLACE) == parse_key(key)
    assert key == parse_key(key).text


@pytest.mark.parametrize(
    "key",
    [
        "tape/README.md",
        SEGMENT + ".partial",
        "backup/" + SEGMENT,
        SEGMENT.replace("tape/book", "tape/books"),
        SEGMENT.replace("tape/book", "ledger"),
        MANIFEST.replace("ledger", "tape/book"),
        SEGMENT.replace("exchange=bitvavo", "exchange=btcturk"),
        SEGMENT.replace("date=2026-11-22", "date=2026-11-31"),
        SEGMENT.replace("date=2026-11-22", "date=20261122"),
        SEGMENT.replace("000000000007", "7"),
        SEGMENT.replace("000000000007", "0000000000007"),
        SEGMENT.replace("000000000007", "9999999999999"),
        SEGMENT.replace("T091500", "T251500"),
        SEGMENT.replace("-a-", "-A-"),
    ],
)
def test_what_we_would_not_have_stored_is_foreign(key: str) -> None:
    with pytest.raises(TapeError):
        parse_key(key)


def test_a_session_names_its_exchange_and_its_line() -> None:
    assert ("bitvavo", "a") == (exchange_of(SESSION), line_of(SESSION))


@pytest.mark.parametrize(
    "session",
    [
        "",
        "bitvavo",
        SESSION + "-b",
        SESSION.replace("Z", ""),
        SESSION.replace("1122", "1322"),
        SESSION + "\n",
        "../" + SESSION,
    ],
)
def test_what_is_no_session_id_is_refused(session: str) -> None:
    with pytest.raises(TapeError, match="no session id"):
        exchange_of(session)


def test_a_day_is_a_date() -> None:
    assert ("1970-01-01", "2026-11-22") == (date_of(0), date_of(20_779))
    assert 20_779 == day_of("2026-11-22")


@pytest.mark.parametrize("date", ["20261122", "2026-W47-7", "2026-02-30", "today"])
def test_what_is_no_date_is_refused(date: str) -> None:
    with pytest.raises(TapeError, match="no date"):
        day_of(date)


ENTRY = TableEntry(
    key=SEGMENT, rows=3, bytes=4, sha256="ab", events=2, ts_recv_min=5, ts_recv_max=6
)
A_MANIFEST = Manifest(1, SESSION, "bitvavo", "a", 7, 8, {"book": [ENTRY]}, 9, WRITER)


def test_a_manifest_is_json_that_anybody_reads() -> None:
    assert {
        "version": 1,
        "session": SESSION,
        "exchange": "bitvavo",
        "line": "a",
        "first": 7,
        "last": 8,
        "tables": {
            "book": [
                {
                    "key": SEGMENT,
                    "rows": 3,
                    "bytes": 4,
                    "sha256": "ab",
                    "events": 2,
                    "ts_recv_min": 5,
                    "ts_recv_max": 6,
                }
            ]
        },
        "written_at": 9,
        "writer": WRITER,
    } == msgspec.json.decode(encode_manifest(A_MANIFEST))
    assert A_MANIFEST == decode_manifest(encode_manifest(A_MANIFEST))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, "version 2 is unknown"),
        ({"exchange": "btcturk"}, "names btcturk-a"),
        ({"line": "b"}, "names bitvavo-b"),
        ({"session": "x"}, "no session id"),
        ({"first": 9}, "range 9 to 8"),
        ({"first": -1}, "range -1 to 8"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    change: dict[str, object], reason: str
) -> None:
    with pytest.raises(TapeError, match=reason):
        decode_manifest(encode_manifest(msgspec.structs.replace(A_MANIFEST, **change)))


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{}", b"[1]", b'{"version":1,"extra":2}', b"\xff"),
        *(b'{"version":1,"session":"\xff"}', b'{"tables":' * 100_000),
        encode_manifest(A_MANIFEST).replace(b'"bytes":', b'"bytes":-'),
        encode_manifest(A_MANIFEST).replace(b'"rows":', b'"rows":-'),
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(TapeError, match="not a manifest"):
        decode_manifest(data)
