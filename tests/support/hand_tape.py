"""Writes tapes by hand, row by row, as no recorder would: for the cases that rules decide."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import Struct
from pyarrow import parquet

from booktape.books.market import Market, Sessions
from booktape.checksum import crc32c
from booktape.keys import exchange_of, line_of, manifest_key, segment_key
from booktape.ledger import Ledger
from booktape.manifest import Manifest, TableEntry, encode_manifest
from booktape.segments.opened import Segments
from booktape.store.folder import FolderStore
from booktape.tables import SCHEMAS_BY_VERSION, parquet_options
from booktape.times import DAY_US, date_of_ts

SECOND = 1_000_000
NOON = 20_779 * DAY_US + DAY_US // 2  # 2026-11-22
A, B = "20261122T120000.000000Z-bitvavo-a", "20261122T115900.000000Z-bitvavo-b"
BTC, ETH = "BTC-EUR", "ETH-EUR"

Level = tuple[str, float, float]


class Event(Struct):
    """One event before it has a number: its table, and the values of each of its rows."""

    table: str
    ts: int
    symbol: str | None
    rows: list[dict[str, Any]]


class HandTape:
    """A tape in a folder; each call of `write` is one flush."""

    def __init__(self, root: Path, *, row_group_rows: int = 1 << 20) -> None:
        self.root = root
        self.row_group_rows = row_group_rows
        self.next: dict[str, int] = {}

    def write(
        self, session: str, *events: Event, first: int | None = None, version: int = 2
    ) -> str:
        """Write one flush; return its manifest's key. `first` skips event numbers."""
        number = self.next.get(session, 0) if first is None else first
        tables: dict[str, list[dict[str, Any]]] = {}
        numbered = list(enumerate(events, number))
        for event_number, event in numbered:
            common = {"ts_recv": event.ts, "symbol": event.symbol, "session": session}
            for row in event.rows:
                values = {**common, "event_number": event_number, **row}
                tables.setdefault(event.table, []).append(values)
        last = number + len(events) - 1
        self.next[session] = last + 1
        exchange, date = exchange_of(session), date_of_ts(events[0].ts)
        place = exchange, date, session, number, last
        entries = {
            table: [self._write(table, segment_key(table, *place), rows, version)]
            for table, rows in tables.items()
        }
        line = line_of(session)
        manifest = Manifest(version, session, exchange, line, number, last, entries, 0, "by hand")
        return self.put(manifest_key(*place), encode_manifest(manifest))

    def put(self, key: str, data: bytes) -> str:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return key

    def reading(self) -> tuple[Ledger, Segments, Sessions]:
        """Return ledger, segments and sessions, as a reader opens them."""
        store = FolderStore(self.root)
        ledger, segments = Ledger(store, "file:here"), Segments(store)
        return ledger, segments, Sessions(ledger, segments)

    def market(self, symbol: str = BTC, exchange: str = "bitvavo") -> Market:
        ledger, _, sessions = self.reading()
        return Market(ledger, sessions, exchange, symbol)

    def _write(
        self, table: str, key: str, rows: Sequence[Mapping[str, Any]], version: int
    ) -> TableEntry:
        ordered = sorted(rows, key=lambda row: (row["symbol"] or "~", row["event_number"]))
        schema = SCHEMAS_BY_VERSION[version][table]
        columns = [
            pa.array([row.get(field.name) for row in ordered], field.type) for field in schema
        ]
        sink = pa.BufferOutputStream()
        with parquet.ParquetWriter(sink, schema, **parquet_options(table)) as writer:
            filled = pa.Table.from_arrays(columns, schema=schema)
            writer.write_table(filled, row_group_size=self.row_group_rows)
        data = sink.getvalue().to_pybytes()
        self.put(key, data)
        footer = data[-int.from_bytes(data[-8:-4], "little") - 8 :]
        times = [row["ts_recv"] * 1000 for row in ordered]
        entry = TableEntry(
            key=key,
            rows=len(ordered),
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            events=len({row["event_number"] for row in ordered}),
            ts_recv_min=min(times),
            ts_recv_max=max(times),
        )
        if version == 1:
            return entry
        return msgspec.structs.replace(
            entry, footer_bytes=len(footer), footer_crc32c=crc32c(footer)
        )


def at(second: float) -> int:
    """Return a moment, in seconds after noon."""
    return NOON + round(second * SECOND)


def snapshot(
    second: float,
    epoch: int,
    *levels: Level,
    symbol: str = BTC,
    sequence: int | None = None,
    is_checkpoint: bool = False,
) -> Event:
    marks = {"is_snapshot": True, "is_checkpoint": is_checkpoint}
    return _book(second, symbol, {"epoch": epoch, "sequence": sequence, **marks}, levels)


def checkpoint(second: float, epoch: int, *levels: Level, symbol: str = BTC) -> Event:
    return snapshot(second, epoch, *levels, symbol=symbol, is_checkpoint=True)


def delta(
    second: float, epoch: int, *levels: Level, symbol: str = BTC, sequence: int | None = None
) -> Event:
    marks = {"is_snapshot": False, "is_checkpoint": False}
    return _book(second, symbol, {"epoch": epoch, "sequence": sequence, **marks}, levels)


def trade(
    second: float,
    trade_id: str,
    price: float = 100.0,
    *,
    event: float | None = None,
    symbol: str = BTC,
    side: str | None = "buy",
    size: float = 1.0,
) -> Event:
    ts_event = None if event is None else at(event)
    row = {"trade_id": trade_id, "side": side, "price": price, "size": size, "ts_event": ts_event}
    return Event("trades", at(second), symbol, [row])


def ticker(second: float, symbol: str = BTC, *, bid: float | None = 1.0) -> Event:
    return Event("ticker", at(second), symbol, [{"bid_price": bid}])


def instrument(second: float, symbol: str, status: str = "trading") -> Event:
    texts = ("raw_symbol", "base", "quote", "info")
    row = {**dict.fromkeys(texts, "x"), "status": status, "reason": "day"}
    return Event("instruments", at(second), symbol, [row])


def feed(second: float, kind: str, symbol: str | None = None, **detail: object) -> Event:
    text = msgspec.json.encode(detail).decode()
    return Event("feed_events", at(second), symbol, [{"kind": kind, "detail": text}])


def _book(second: float, symbol: str, marks: dict[str, Any], levels: Sequence[Level]) -> Event:
    rows = [{**marks, "side": side, "price": price, "size": size} for side, price, size in levels]
    return Event("book", at(second), symbol, rows or [marks])
