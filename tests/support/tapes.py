"""Real tapes from real frames, and the ways in which one can be damaged."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
from pyarrow import parquet

from booktape.checksum import crc32c
from booktape.keys import Key, date_of, exchange_of, parse_key
from booktape.ladder import Level
from booktape.manifest import MANIFEST_VERSION, Manifest, decode_manifest, encode_manifest
from booktape.store.folder import FolderStore
from booktape.tables import parquet_options
from services.buffer_writer.manifest import make_manifest
from services.buffer_writer.segment import write_segments
from shared.delivery.frame import DAY_NS, Frame
from shared.delivery.frame_builder import FrameBuilder
from shared.event import (
    Checkpoint,
    Delta,
    FeedEvent,
    Instrument,
    Kind,
    Recorded,
    Snapshot,
    Ticker,
    Trade,
)
from tests.support.first import make_first_manifest
from tests.support.levels import levels
from tests.support.writing import make_run

SESSION = "20261122T091500.123456Z-bitvavo-a"
DAY = 20_779
DATE = "2026-11-22"
NOON = DAY * DAY_NS + DAY_NS // 2
STEP = 1_000_000  # ns from one event to the next
BTC, ETH = "BTC-EUR", "ETH-EUR"


class Recording:
    """Events of one session, with a clock and a sequence for each symbol."""

    def __init__(self, session: str = SESSION, *, ts: int = NOON, first: int = 0) -> None:
        self.builder = FrameBuilder(session, first)
        self.ts = ts
        self.sequences: dict[str, int] = {}

    @property
    def next_number(self) -> int:
        return self.builder.next_number

    def add(self, symbol: str | None, event: Recorded) -> int:
        self.ts += STEP
        return self.builder.add(self.ts, symbol, event)

    def snapshot(self, symbol: str = BTC, sequence: int | None = 100) -> int:
        if sequence is not None:
            self.sequences[symbol] = sequence
        sides = levels([("99.5", "1"), ("99", "2.5")], [("100.5", "3")])
        return self.add(symbol, Snapshot(symbol, *sides, sequence, self.ts - STEP))

    def delta(
        self,
        symbol: str = BTC,
        bids: Sequence[Level] | None = None,
        asks: Sequence[Level] = (),
        *,
        step: int = 1,
    ) -> int:
        """Add a delta; by default it removes the best bid. A step above 1 names what it follows."""
        previous = self.sequences[symbol]
        self.sequences[symbol] += step
        bids = [(99.5, 0.0)] if bids is None else list(bids)
        named = None if step == 1 else previous
        sequence = self.sequences[symbol]
        return self.add(symbol, Delta(symbol, bids, list(asks), sequence, self.ts, named))

    def checkpoint(self, symbol: str = BTC) -> int:
        event = Checkpoint(symbol, [(99.5, 1e-07)], [(100.5, 3.0)], self.sequences.get(symbol))
        return self.add(symbol, event)

    def trade(self, symbol: str = BTC, trade_id: str = "t1") -> int:
        return self.add(symbol, Trade(symbol, trade_id, "buy", 100.5, 0.25, self.ts))

    def ticker(self, symbol: str = BTC) -> int:
        return self.add(symbol, Ticker(symbol, 99.0, 1.0, 100.5, None, None))

    def instrument(self, symbol: str = BTC, **changes: object) -> int:
        """Add what an exchange says of a market."""
        base, quote = symbol.split("-")
        instrument = Instrument(
            raw_symbol=symbol,
            base=base,
            quote=quote,
            status="trading",
            price_decimals=2,
            size_decimals=8,
            price_increment=0.01,
            min_size=1e-4,
            min_notional=5.0,
            reason="start",
            info=f'{{"market":"{symbol}"}}',
        )
        return self.add(symbol, msgspec.structs.replace(instrument, **changes))

    def feed_event(
        self,
        kind: Kind,
        symbol: str | None = None,
        detail: str = "{}",
        *,
        expected: int | None = None,
        received: int | None = None,
    ) -> int:
        return self.add(symbol, FeedEvent(kind, expected, received, detail))

    def end(self, reason: str = "stopped") -> int:
        events = self.next_number + 1
        return self.feed_event("session_end", detail=f'{{"reason":"{reason}","events":{events}}}')

    def take(self) -> Frame:
        return self.builder.take(0)


def record_minute(recording: Recording, *, begins: bool = True) -> list[Frame]:
    """Return two frames with events of every table, and deltas of two symbols."""
    if begins:
        recording.feed_event("session_start")
        recording.feed_event("connected")
        for symbol in (ETH, BTC):
            recording.snapshot(symbol)
    for _ in range(3):
        recording.delta(BTC, [(99.5, 2.0), (98.0, 1.0)], [(101.0, 0.5)])
        recording.delta(ETH)
    recording.trade()
    first = recording.take()
    recording.ticker(ETH)
    recording.delta(BTC, [], [])
    recording.checkpoint(ETH)
    recording.delta(ETH)
    return [first, recording.take()]


class Tape:
    """A tape in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = FolderStore(root)

    def write(self, frames: Sequence[Frame], *, version: int = MANIFEST_VERSION) -> Key:
        """Write frames as one manifest, of whichever version; return its key."""
        session, day = frames[0].session, frames[0].day
        run = make_run(frames)
        segments = write_segments(run, lambda table: self.root / f"{table}.partial")
        manifest = make_manifest(run, segments, NOON)
        if version == 1:
            manifest = make_first_manifest(manifest, segments)
        for table, segment in segments.items():
            self.store.put(segment.path, manifest.tables[table][0].key)
            segment.path.unlink()
        place = exchange_of(session), date_of(day), session, run.first, run.last
        key = Key(None, *place)
        self.put(key, encode_manifest(manifest))
        return key

    def put(self, key: Key, data: bytes) -> None:
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def path(self, key: Key) -> Path:
        return self.root / key.text

    def manifest(self, key: Key) -> Manifest:
        return decode_manifest(self.path(key).read_bytes())

    def keys(self) -> list[Key]:
        """Return the manifests, oldest first."""
        keys = [parse_key(info.key) for info in self.store.list("ledger/")]
        return sorted(keys, key=lambda key: key.first)

    def segment(self, key: Key, table: str) -> Key:
        return msgspec.structs.replace(key, table=table)

    def edit(self, key: Key, **changes: object) -> None:
        """Replace fields of a manifest."""
        self.put(key, encode_manifest(msgspec.structs.replace(self.manifest(key), **changes)))

    def edit_entry(self, manifest: Key, table: str, **changes: object) -> None:
        """Replace fields of a manifest's entry."""
        tables = dict(self.manifest(manifest).tables)
        tables[table] = [msgspec.structs.replace(tables[table][0], **changes)]
        self.edit(manifest, tables=tables)

    def rewrite(self, key: Key, table: str, change: Callable[[pa.Table], pa.Table]) -> None:
        """Change a segment's rows so that its checksum and its manifest still hold."""
        path = self.path(self.segment(key, table))
        rows = change(parquet.ParquetFile(path).read())
        with parquet.ParquetWriter(path, rows.schema, **parquet_options(table)) as writer:
            writer.write_table(rows)
        self.replace_segment(key, table, path.read_bytes())
        self.edit_entry(key, table, rows=rows.num_rows)

    def replace_segment(self, key: Key, table: str, data: bytes) -> None:
        """Replace a segment, and what its manifest says of its bytes."""
        self.put(self.segment(key, table), data)
        digest = hashlib.sha256(data).hexdigest()
        footer = data[-int.from_bytes(data[-8:-4], "little") - 8 :]
        changes = {"footer_bytes": len(footer), "footer_crc32c": crc32c(footer)}
        is_first = self.manifest(key).version == 1
        changes = {} if is_first else changes
        self.edit_entry(key, table, bytes=len(data), sha256=digest, **changes)


def set_value(rows: pa.Table, column: str, row: int, value: object) -> pa.Table:
    """Return the rows with one value changed."""
    values = rows[column].to_pylist()
    values[row] = value
    place = rows.schema.get_field_index(column)
    field = rows.schema.field(column)
    return rows.set_column(place, field, pa.array(values, field.type))
