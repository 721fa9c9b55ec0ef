"""Makes a small tape by hand, in plain pyarrow, from the lines that describe it."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import google_crc32c
import pyarrow as pa
from pyarrow import parquet

from tests.support.tape_lines import DAY, Flush, Row, Session, read_lines

_TIME: Final = pa.timestamp("us", tz="UTC")
_NAME: Final = pa.dictionary(pa.int32(), pa.string())
_TYPES: Final = {
    "time": _TIME,
    "name": _NAME,
    "text": pa.string(),
    "int": pa.int64(),
    "int32": pa.int32(),
    "float": pa.float64(),
    "bool": pa.bool_(),
}
# Each column with its type; one that may be null has a "?". `previous` came with schema 2.
_BEFORE: Final = "ts_recv time, symbol name, session name, event_number int, "
_COLUMNS: Final = {
    "book": "ts_event time?, sequence int?, previous int?, epoch int, is_snapshot bool, "
    "is_checkpoint bool, side name?, price float?, size float?",
    "trades": "ts_event time?, trade_id text, side name?, price float, size float",
    "ticker": "ts_event time?, bid_price float?, bid_size float?, ask_price float?, "
    "ask_size float?, last_price float?",
    "instruments": "raw_symbol text, base text, quote text, status name, price_decimals int32?, "
    "size_decimals int32?, price_increment float?, size_increment float?, min_size float?, "
    "max_size float?, min_notional float?, max_notional float?, reason name, info text",
    "feed_events": "kind name, sequence_expected int?, sequence_received int?, detail text",
}
_FOOTER_END: Final = 8  # bytes behind the footer: its length, then the magic


def make_tape(root: Path, text: str) -> Path:
    """Write the sessions that the lines describe; return the tape's folder."""
    for session in read_lines(text):
        for flush in session.flushes:
            for rows in _cut_at_midnight(flush):
                if flush.fate != "lost":
                    _write(root, session, rows, is_named=flush.fate == "named")
    return root


def session_id(exchange: str, line: str, start: int) -> str:
    """Return the id of a session that started then."""
    return f"{_clock(start):%Y%m%dT%H%M%S.%fZ}-{exchange}-{line}"


def _cut_at_midnight(flush: Flush) -> Iterator[list[Row]]:
    for _, rows in groupby(flush.rows, key=lambda row: row.ts_recv // DAY):
        yield list(rows)


def _write(root: Path, session: Session, rows: list[Row], *, is_named: bool) -> None:
    """Write one manifest and its segments: one contiguous range of one date."""
    name = session_id(session.exchange, session.line, session.start)
    first, last = rows[0].event_number, rows[-1].event_number
    place = f"exchange={session.exchange}/date={_clock(rows[0].ts_recv):%Y-%m-%d}"
    stem = f"{place}/{name}-{first:012}-{last:012}"
    tables = {}
    for table in _COLUMNS:
        events = [row for row in rows if row.table == table]
        if events:
            key = f"tape/{table}/{stem}.parquet"
            data = _make_segment(table, events, name, session.schema)
            _put(root / key, data)
            tables[table] = [_make_entry(key, data, events, session.schema)]
    manifest = {
        "version": session.schema,
        "session": name,
        "exchange": session.exchange,
        "line": session.line,
        "first": first,
        "last": last,
        "tables": tables,
        "written_at": rows[-1].ts_recv * 1000,
        "writer": "booktape 0.1.0",
    }
    if is_named:
        _put(root / f"ledger/{stem}.json", json.dumps(manifest).encode())


def _make_segment(table: str, events: list[Row], session: str, schema: int) -> bytes:
    columns = _make_schema(table, schema)
    # Where it has no symbol an event stands at the end.
    ordered = sorted(events, key=lambda row: (row.symbol is None, row.symbol, row.event_number))
    values = [line for row in ordered for line in _spread_levels(row, session)]
    data = {
        field.name: pa.array([one.get(field.name) for one in values], field.type)
        for field in columns
    }
    sink = pa.BufferOutputStream()
    options: dict[str, Any] = {
        "compression": "zstd",
        "use_dictionary": [field.name for field in columns if field.type == _NAME],
        "write_page_index": True,
        "write_page_checksum": True,
        "sorting_columns": parquet.SortingColumn.from_ordering(
            columns, [("symbol", "ascending"), ("event_number", "ascending")]
        ),
    }
    with parquet.ParquetWriter(sink, columns, **options) as writer:
        writer.write_table(pa.table(data, schema=columns))
    return bytes(sink.getvalue())


def _make_schema(table: str, version: int) -> pa.Schema:
    fields: list[Any] = []
    for text in (_BEFORE + _COLUMNS[table]).split(", "):
        name, kind = text.split()
        if name == "previous" and version == 1:
            continue
        is_nullable = kind.endswith("?") or (name == "symbol" and table == "feed_events")
        numbered = {b"PARQUET:field_id": str(len(fields) + 1)} if version > 1 else None
        type_ = _TYPES[kind.removesuffix("?")]
        fields.append(pa.field(name, type_, nullable=is_nullable, metadata=numbered))
    named = {"booktape.schema": str(version), "booktape.writer": "booktape 0.1.0"}
    return pa.schema(fields, metadata=named)


def _spread_levels(row: Row, session: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of one event: one for each level, and one of nulls where it has none."""
    event = {
        "ts_recv": row.ts_recv,
        "symbol": row.symbol,
        "session": session,
        "event_number": row.event_number,
        **row.columns,
    }
    if not row.levels:
        yield event
    for side, price, size in row.levels:
        yield {**event, "side": side, "price": price, "size": size}


def _make_entry(key: str, data: bytes, events: Iterable[Row], schema: int) -> dict[str, Any]:
    times = [row.ts_recv * 1000 for row in events]
    entry = {
        "key": key,
        "rows": sum(max(1, len(row.levels)) for row in events),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "events": len(times),
        "ts_recv_min": min(times),
        "ts_recv_max": max(times),
    }
    if schema > 1:
        size = int.from_bytes(data[-_FOOTER_END:-4], "little")
        footer = data[-_FOOTER_END - size :]
        entry |= {"footer_bytes": len(footer), "footer_crc32c": google_crc32c.value(footer)}
    return entry


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _clock(ts: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ts)
