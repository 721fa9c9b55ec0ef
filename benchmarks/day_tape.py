"""Makes the tape of one day of all markets: 288 flushes, out of five minutes of the simulator.

It cuts the minutes into 24 flushes and repeats these through the day: with stretched times, with
continuing numbers, each market at other prices and sizes, as hours later. A mere repetition would
compress better than any market.
"""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from benchmarks.frames import SESSION, hold, make_frames, split_by_flush
from benchmarks.market import LEVELS, SYMBOLS, TS_START, make_traffic
from booktape.checksum import crc32c
from booktape.hashed_file import FOOTER_END_BYTES
from booktape.keys import line_of, manifest_key, segment_key
from booktape.manifest import MANIFEST_VERSION, Manifest, TableEntry, encode_manifest
from booktape.tables import SCHEMAS, parquet_options
from booktape.times import DAY_US, date_of_ts
from services.buffer_writer.segment import SLICE_ROWS, write_segments
from services.simulator.bitvavo.listing import list_markets
from services.simulator.listing import Listing

EXCHANGE: Final = "bitvavo"
FLUSHES: Final = 288
BASE_FLUSHES: Final = 24
TURN_S: Final = 315.0  # of the simulator, so that the day has 20 million levels
DRIFT: Final = 0.01  # of a price from one turn to the next
DAY: Final = TS_START // 1000 // DAY_US * DAY_US  # µs
DATE: Final = date_of_ts(DAY)
_TIME: Final = pa.timestamp("us", tz="UTC")
_INT64: Final = pa.int64()


def write_day(root: Path, *, flushes: int = FLUSHES) -> int:
    """Write the tape with so many flushes, spread over the day; return the rows of its book."""
    base = list(_make_base(root / "base"))
    start = pc.min(base[0]["ts_recv"].cast(_INT64)).as_py()
    length = pc.max(base[-1]["ts_recv"].cast(_INT64)).as_py() - start + 1
    turns = -(-flushes // BASE_FLUSHES)
    stretch = DAY_US // turns // length
    events = _last_number(base[-1]) + 1
    rows = 0
    walk = _Walk(list_markets(SYMBOLS, levels=LEVELS))
    for turn in range(turns):
        walk.step()
        for flush in base[: flushes - turn * BASE_FLUSHES]:
            begin = DAY + turn * DAY_US // turns
            moved = walk.move(_move(flush, start, begin, stretch, turn * events))
            rows += moved.num_rows
            last = _last_number(moved)
            if (turn, flush is base[-1]) == (turns - 1, True):
                write_flush(root, {"book": moved, "feed_events": _end(last + 1)}, last + 1)
            else:
                write_flush(root, {"book": moved}, last)
    return rows


class _Walk:
    """A random walk of every market: in each turn other prices, and sizes scaled by a share."""

    def __init__(self, listings: list[Listing]) -> None:
        self._dice = random.Random(7)
        self._listings = {one.symbol: one for one in listings}
        self._ticks = dict.fromkeys(self._listings, 0)
        self._shares = dict.fromkeys(self._listings, 1.0)

    def step(self) -> None:
        """Move every market: a random walk of its price, other sizes."""
        for symbol, listing in self._listings.items():
            away = self._dice.gauss(0.0, DRIFT) * listing.price_ticks
            self._ticks[symbol] = max(self._ticks[symbol] + round(away), -listing.price_ticks // 4)
            self._shares[symbol] = self._dice.uniform(0.5, 2.0)

    def move(self, rows: pa.Table) -> pa.Table:
        """Return the rows at the markets' present prices, each number with as many digits."""
        names = rows["symbol"].chunk(0)
        found = [self._listings[name] for name in names.dictionary.to_pylist()]

        def take(values: list[float]) -> pa.Array:
            return pa.array(values, pa.float64()).take(names.indices)

        steps = take([self._ticks[one.symbol] * one.tick_units for one in found])
        shares = take([self._shares[one.symbol] for one in found])
        price_units = take([10.0**one.price_decimals for one in found])
        size_units = take([10.0**one.size_decimals for one in found])
        prices = pc.add(pc.round(pc.multiply(rows["price"], price_units)), steps)
        sizes = pc.ceil(pc.multiply(pc.multiply(rows["size"], size_units), shares))
        moved = {"price": pc.divide(prices, price_units), "size": pc.divide(sizes, size_units)}
        columns = [moved.get(name, rows[name]) for name in rows.schema.names]
        return pa.Table.from_arrays(columns, schema=rows.schema)


def _make_base(folder: Path) -> Iterator[pa.Table]:
    """Yield the rows of each flush of these minutes."""
    folder.mkdir(parents=True)
    frames = list(make_frames(make_traffic(TURN_S)))
    rows_max = -(-sum(frame.rows for frame in frames) // BASE_FLUSHES)
    for part in split_by_flush(iter(frames), rows_max):
        path = write_segments(hold(part), lambda table: folder / table)["book"].path
        yield parquet.ParquetFile(path).read().unify_dictionaries().combine_chunks()
        path.unlink()
    folder.rmdir()


def _move(rows: pa.Table, start: int, begin: int, stretch: int, events: int) -> pa.Table:
    """Return the rows at other times, their numbers larger by so many events."""
    ts = rows["ts_recv"].cast(_INT64)
    late = pc.subtract(ts, rows["ts_event"].cast(_INT64))
    ts = pc.add(pc.multiply(pc.subtract(ts, start), stretch), begin)
    moved = {
        "ts_recv": ts.cast(_TIME),
        "ts_event": pc.subtract(ts, late).cast(_TIME),
        "event_number": pc.add(rows["event_number"], events),
        "epoch": pc.add(rows["epoch"], events),
        "sequence": pc.add(rows["sequence"], events),
    }
    columns = [moved.get(name, rows[name]) for name in rows.schema.names]
    return pa.Table.from_arrays(columns, schema=rows.schema)


def _end(number: int) -> pa.Table:
    """Return the row that ends the session."""
    row = {
        "ts_recv": DAY + DAY_US - 1,
        "session": SESSION,
        "event_number": number,
        "kind": "session_end",
        "detail": f'{{"reason":"stopped","events":{number + 1}}}',
    }
    schema = SCHEMAS["feed_events"]
    columns = [pa.array([row.get(field.name)], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def write_flush(root: Path, tables: dict[str, pa.Table], last: int) -> None:
    """Write one flush, up to an event number."""
    first = min(pc.min(rows["event_number"]).as_py() for rows in tables.values())
    place = EXCHANGE, DATE, SESSION, first, last
    entries = {
        name: [_write_segment(root, name, segment_key(name, *place), rows)]
        for name, rows in tables.items()
    }
    manifest = Manifest(
        MANIFEST_VERSION, SESSION, EXCHANGE, line_of(SESSION), first, last, entries, 0, "benchmark"
    )
    _put(root / manifest_key(*place), encode_manifest(manifest))


def _write_segment(root: Path, table: str, key: str, rows: pa.Table) -> TableEntry:
    sink = pa.BufferOutputStream()
    with parquet.ParquetWriter(sink, SCHEMAS[table], **parquet_options(table)) as writer:
        writer.write_table(rows.cast(SCHEMAS[table]), row_group_size=SLICE_ROWS)
    data = bytes(sink.getvalue())
    _put(root / key, data)
    footer = data[-int.from_bytes(data[-FOOTER_END_BYTES:-4], "little") - FOOTER_END_BYTES :]
    times = pc.min_max(rows["ts_recv"].cast(_INT64)).as_py()
    return TableEntry(
        key=key,
        rows=rows.num_rows,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        footer_bytes=len(footer),
        footer_crc32c=crc32c(footer),
        events=pc.count_distinct(rows["event_number"]).as_py(),
        ts_recv_min=times["min"] * 1000,
        ts_recv_max=times["max"] * 1000,
    )


def _last_number(rows: pa.Table) -> int:
    number: int = pc.max(rows["event_number"]).as_py()
    return number


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
