"""Writes the events of a session into a folder as flushes: segments, then their manifest."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from booktape.checksum import crc32c
from booktape.keys import TABLES, date_of, line_of, manifest_key, segment_key
from booktape.manifest import MANIFEST_VERSION, Manifest, TableEntry, encode_manifest
from booktape.release import WRITER
from booktape.sample.recording import SampleEvent
from booktape.tables import FOOTER_END_BYTES, SCHEMAS, parquet_options

_DAY_US: Final = 86_400_000_000
_US: Final = 1000  # ns


class MadeFlush:
    """One unbroken range of a session's events, on one date."""

    def __init__(
        self, session: str, exchange: str, events: Sequence[tuple[int, SampleEvent]]
    ) -> None:
        """Take events with their numbers."""
        (first, one), (last, _) = events[0], events[-1]
        self._events = events
        self._session = session
        self._exchange = exchange
        self._first, self._last = first, last
        self._place = exchange, date_of(one.ts_recv // _DAY_US), session, first, last

    def write(self, root: Path) -> None:
        """Write the segments, then the manifest that makes them exist."""
        tables = {}
        for table in TABLES:
            events = [(number, event) for number, event in self._events if event.table == table]
            if events:
                tables[table] = [self._write_segment(root, table, events)]
        manifest = Manifest(
            version=MANIFEST_VERSION,
            session=self._session,
            exchange=self._exchange,
            line=line_of(self._session),
            first=self._first,
            last=self._last,
            tables=tables,
            written_at=max(event.ts_recv for _, event in self._events) * _US,
            writer=WRITER,
        )
        _put(root / manifest_key(*self._place), encode_manifest(manifest))

    def _write_segment(
        self, root: Path, table: str, events: Sequence[tuple[int, SampleEvent]]
    ) -> TableEntry:
        rows = _make_rows(table, events, self._session)
        sink = pa.BufferOutputStream()
        with parquet.ParquetWriter(sink, SCHEMAS[table], **parquet_options(table)) as writer:
            writer.write_table(rows)
        data = sink.getvalue().to_pybytes()
        key = segment_key(table, *self._place)
        _put(root / key, data)
        size = int.from_bytes(data[-FOOTER_END_BYTES:-4], "little") + FOOTER_END_BYTES
        times = [event.ts_recv * _US for _, event in events]
        return TableEntry(
            key=key,
            rows=rows.num_rows,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            footer_bytes=size,
            footer_crc32c=crc32c(data[-size:]),
            events=len(events),
            ts_recv_min=min(times),
            ts_recv_max=max(times),
        )


def cut_flushes(
    session: str, exchange: str, events: Sequence[SampleEvent], *, interval_us: int
) -> Iterator[MadeFlush]:
    """Yield the flushes of a session, each of one interval since midnight, so of one date."""
    numbered = list(enumerate(events))
    for _, group in groupby(numbered, key=lambda one: one[1].ts_recv // interval_us):
        yield MadeFlush(session, exchange, list(group))


def _make_rows(table: str, events: Sequence[tuple[int, SampleEvent]], session: str) -> pa.Table:
    """Return the rows, by symbol and number: one per level, one for an event without levels."""
    ordered = sorted(events, key=lambda one: (one[1].symbol is None, one[1].symbol or "", one[0]))
    rows = []
    for number, event in ordered:
        row = {
            "ts_recv": event.ts_recv,
            "symbol": event.symbol,
            "session": session,
            "event_number": number,
            **event.columns,
        }
        levels: list[dict[str, Any]] = [
            {"side": side, "price": price, "size": size} for side, price, size in event.levels
        ]
        rows += [{**row, **level} for level in levels or [{}]]
    schema = SCHEMAS[table]
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
