"""Encodings of a certified day, measured over days of single symbols: bytes and CPU.

Five markets of the simulator, from the busiest to a quiet one, each for 24 hours at its own rate.
"""

import io
import random
from array import array
from collections.abc import Iterator
from resource import RUSAGE_SELF, getrusage
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from benchmarks.frames import SESSION
from benchmarks.market import RATE, SYMBOLS, TS_START
from benchmarks.results import Figure
from booktape.certify.daily_file import GROUP_ROWS_MAX, daily_options
from booktape.tables import SCHEMAS, parquet_options
from services.simulator.bitvavo.listing import list_markets
from services.simulator.listing import Listing
from services.simulator.market import SimulatedMarket

MARKETS: Final = (0, 40, 100, 200, 320)
CONFLATED_US: Final = 100_000  # Bitvavo sends the changes of a tenth of a second together
DAY_S: Final = 86_400
LEVELS_A_SIDE: Final = 500
_NUMBERS: Final = ("ts_recv", "ts_event", "event_number", "sequence")


def run() -> list[Figure]:
    """Write the markets' days by each set of encodings."""
    listings = list_markets(SYMBOLS, levels=LEVELS_A_SIDE)
    scale = RATE / sum(one.messages_per_s for one in listings)
    days = [_make_day(listings[place], scale) for place in MARKETS]
    rows = sum(day.num_rows for day in days)
    figures = [Figure("levels", rows, "")]
    ours = daily_options("book")
    deltas = dict.fromkeys((*_NUMBERS, "previous"), "DELTA_BINARY_PACKED")
    no_dictionaries = {"use_dictionary": parquet_options("book")["use_dictionary"]}
    ways = {
        "as a segment has them": parquet_options("book"),
        "zstd-9 alone": ours | no_dictionaries,
        "dictionaries of prices and sizes, zstd-3": ours | {"compression_level": 3},
        "a certified day's": ours,
        "a certified day's, and times as deltas": ours | {"column_encoding": deltas},
    }
    for name, options in ways.items():
        size, cpu_s = _write(days, options)
        goal = 5.8 if options is ours else None
        figures.append(Figure(f"a level, {name}", size / rows, "B", goal=goal))
        figures.append(Figure(f"encoding, {name}", cpu_s / rows * 1e9, "CPU-ns a level"))
    return figures


def _write(days: list[pa.Table], options: dict[str, Any]) -> tuple[int, float]:
    sink = io.BytesIO()
    begin = getrusage(RUSAGE_SELF).ru_utime
    with parquet.ParquetWriter(sink, SCHEMAS["book"], **options) as writer:
        for day in days:
            for first in range(0, day.num_rows, GROUP_ROWS_MAX):
                writer.write_table(day.slice(first, GROUP_ROWS_MAX), row_group_size=GROUP_ROWS_MAX)
    return len(sink.getvalue()), getrusage(RUSAGE_SELF).ru_utime - begin


def _make_day(listing: Listing, scale: float) -> pa.Table:
    """Return the changes of one market over a day."""
    dice = random.Random(f"{listing.symbol} day")
    market = SimulatedMarket(listing, seed=1, ts=TS_START)
    numbers = {name: array("q") for name in _NUMBERS}
    sides, prices, sizes = array("i"), array("d"), array("d")
    price_units, size_units = 10.0**listing.price_decimals, 10.0**listing.size_decimals
    for place, (ts_event, ts_recv) in enumerate(_times(listing.messages_per_s * scale, dice)):
        step = market.step(ts_recv * 1000)
        number = int((ts_recv - TS_START // 1000) * RATE / 1e6) + place % 3
        count = len(step.bids) + len(step.asks)
        values = (ts_recv, ts_event, number, place + 1_000_000)
        for column, value in zip(numbers.values(), values, strict=True):
            column.extend([value] * count)
        for side, changes in enumerate((step.bids, step.asks)):
            sides.extend([side] * len(changes))
            prices.extend(ticks * listing.tick_units / price_units for ticks in changes)
            sizes.extend(units / size_units for units in changes.values())
    return _to_table(listing.symbol, {**numbers, "side": sides, "price": prices, "size": sizes})


def _times(rate: float, dice: random.Random) -> Iterator[tuple[int, int]]:
    """Yield the times, in µs, at which messages leave the exchange and arrive."""
    begin_us = TS_START // 1000 + dice.randrange(CONFLATED_US)
    last = 0
    slots = DAY_S * 1_000_000 // CONFLATED_US
    chance = min(rate * CONFLATED_US / 1e6, 1.0)
    for slot in range(slots):
        if dice.random() < chance:
            ts_event = begin_us + slot * CONFLATED_US + dice.randrange(2000)
            last = max(last, ts_event + 8000 + int(dice.gammavariate(2.0, 700.0)))
            yield ts_event, last


def _to_table(symbol: str, columns: "dict[str, array[Any]]") -> pa.Table:
    schema = SCHEMAS["book"]
    count = len(columns["price"])
    names = {"symbol": [symbol], "session": [SESSION], "side": ["bid", "ask"]}
    values = []
    for field in schema:
        if field.name in names:
            codes = columns.get(field.name, array("i", [0]) * count)
            found = pa.Array.from_buffers(pa.int32(), count, [None, pa.py_buffer(codes)])
            values.append(pa.DictionaryArray.from_arrays(found, pa.array(names[field.name])))
        elif field.name in columns:
            buffers = [None, pa.py_buffer(columns[field.name])]
            values.append(pa.Array.from_buffers(field.type, count, buffers))
        elif field.name == "previous":
            values.append(pa.nulls(count, field.type))
        else:  # one epoch, and no snapshot behind its first
            values.append(pa.repeat(pa.scalar(value=0).cast(field.type), count))
    return pa.Table.from_arrays(values, schema=schema)
