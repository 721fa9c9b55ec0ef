"""The memory of one exchange's feeds: every bound filled, then hours of its clock.

`python -m benchmarks.memory_feeds EXCHANGE HOURS` prints the memory as JSON. The simulated markets
are in this process as well, before the first measurement.
"""

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override

from benchmarks.usage import pss_bytes
from shared.delivery.frame_builder import FrameBuilder
from shared.delivery.journal import Journal
from shared.event import Delta, Row, Trade
from shared.exchange import Cost, ListedMarket
from shared.feed.books import Books
from shared.feed.bounds import HELD_ALL_MAX
from shared.feed.counts import NAME_CHARACTERS_MAX, NAMES_MAX, Tally
from shared.feed.rows import FeedRows
from shared.feed.sequencer import HELD_DELTAS_MAX
from shared.feed.trades import RECENT_MAX, RECENT_MIN, RECENT_NS
from shared.ingest.instruments import Instruments
from shared.ingest.process import GC_ALLOCATIONS
from shared.ingest.recorder import FRAME_BYTES_MAX
from shared.transport.limits import SLOTS, Limits
from tests.support.markets import TS_START, Markets

SYMBOLS: Final = {"bitvavo": 437, "btcturk": 379}
SESSION: Final = "20261122T000000.000000Z-{}-a"
RATE: Final = 3.0  # changes of books a second
STEP_S: Final = 1.0
BEAT_S: Final = 60.0  # between two tickers of all
BUSY: Final = 4  # symbols with the most ids; others trade more seldom
INFO_BYTES_MAX: Final = 4096
HOUR_S: Final = 3600
_TRADE_ID: Final = "0190{:08x}-0000-7000-8000-{:012x}"  # 36 characters, as Bitvavo's


class Filled(msgspec.Struct):
    """Bytes of memory: before, with live books, with all bounds full, after each hour.

    Each bound has its fill, and the bound itself.
    """

    empty: int
    live: int
    full: int
    hours: list[int]
    bounds: dict[str, tuple[int, int]]


class JournalledMarkets(Markets):
    """Numbers, frames and journals the rows of markets; trims the journal at once."""

    def __init__(self, exchange: str, folder: Path) -> None:
        """Make the markets; connect nothing yet."""
        self._builder = FrameBuilder(SESSION.format(exchange))
        self._journal = Journal.create(folder, SESSION.format(exchange))
        super().__init__(exchange, symbols=SYMBOLS[exchange], rate=RATE, step_s=STEP_S)
        self.exchange.conflation_s = BEAT_S

    @override
    def take(self, rows: list[Row]) -> None:
        builder = self._builder
        for ts, symbol, event in rows:
            is_full = builder.bytes >= FRAME_BYTES_MAX or not builder.begin <= ts < builder.end
            if is_full and builder.next_number > builder.first:
                self._write()
            builder.add(ts, symbol, event)

    def _write(self) -> None:
        self._journal.append(self._builder.take(0))
        self._journal.sync()
        self._journal.trim(self._journal.next_number)


def main(exchange: str, hours: int) -> None:
    """Fill everything, then let the hours pass."""
    gc.set_threshold(GC_ALLOCATIONS)
    gc.freeze()
    with tempfile.TemporaryDirectory(prefix="booktape-") as folder:
        world = JournalledMarkets(exchange, Path(folder) / "journal")
        empty = _measure()
        while len(world.live()) < SYMBOLS[exchange]:
            world.run(10)
        live = _measure()
        bounds = dict(_fill(world, exchange, Path(folder)))
        full = _measure()
        found = Filled(empty, live, full, [], bounds)
        for _ in range(hours):
            world.run(HOUR_S)
            found.hours.append(_measure())
    assert len(world.live()) == SYMBOLS[exchange]
    print(msgspec.json.encode(found).decode())


def _measure() -> int:
    gc.collect()
    return pss_bytes(os.getpid())


def _fill(world: Markets, exchange: str, folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Fill every bound through the code's own calls; yield the fill of each, and the bound."""
    yield "ids of trades of a symbol", (_fill_trades(world), RECENT_MAX)
    yield "names in each tally", (_fill_counts(world), NAMES_MAX + 1)
    yield "deltas held for snapshots", (_fill_held(), HELD_ALL_MAX)
    yield "grants of a limit", (_fill_limits(world, folder), SLOTS + 2)
    yield "markets in a list", (_fill_listings(world, exchange, folder), SYMBOLS[exchange])


def _fill_trades(world: Markets) -> int:
    most = 0
    ts = world.machine.ts
    for line in world.lines:
        trades = line.feed._trades
        for place, (raw_symbol, symbol) in enumerate(line.feed._symbols.items()):
            count = RECENT_MAX if place < BUSY else RECENT_MIN
            for number in range(count):
                trade_id = _TRADE_ID.format(place, number)
                made = Trade(raw_symbol, trade_id, "buy", 1.0, 1.0, ts + RECENT_NS)
                trades.trade(ts, symbol, made)
            most = max([most, *map(len, trades._recent.values())])
        world.take(trades._rows.take())
    return most


def _fill_counts(world: Markets) -> int:
    tallies = [
        tally
        for line in world.lines
        for tally in vars(line.feed.counts).values()
        if isinstance(tally, Tally)
    ]
    for tally in tallies:
        for number in range(2 * NAMES_MAX):
            tally.note(f"{number:0{NAME_CHARACTERS_MAX}}")
    return min(map(len, tallies))


def _fill_held() -> int:
    books = Books(FeedRows(), lambda *_: None)
    held = 0
    for number in range(HELD_ALL_MAX // HELD_DELTAS_MAX):
        raw_symbol = f"S{number}-EUR"
        books.add(raw_symbol, raw_symbol)
        books.hold_deltas(raw_symbol)
        for sequence in range(1, HELD_DELTAS_MAX + 1):
            levels = [(float(sequence + one), 1.5 * one) for one in range(3)]
            books.delta(sequence, Delta(raw_symbol, levels, list(levels), sequence))
        held += sum(count for raw, _, count in books.measure() if raw == raw_symbol)
    return held


def _fill_limits(world: Markets, folder: Path) -> int:
    declared = world.declared.limits
    now_s = world.machine.now_s
    limits = Limits(folder / "limits.json", declared, steady_s=lambda: now_s)
    for name, limit in declared.items():
        for _ in range(2 * SLOTS):
            limits.spend(Cost(name, 1))
            now_s += limit.interval_s / SLOTS / 2
    return max(map(len, limits._state.grants.values()), default=0)


def _fill_listings(world: Markets, exchange: str, folder: Path) -> int:
    listed = world.declared.rest.parse_markets(_list_markets(world))
    markets = [_widen(one) for one in listed]
    instruments = Instruments(folder / f"{exchange}.json")
    for second in range(2):
        world.take(list(instruments.update(markets, TS_START + second)))
    world.listed = instruments  # type: ignore[attr-defined] # which lives as long
    return len(markets)


def _list_markets(world: Markets) -> bytes:
    answer = world.exchange.request(world.exchange.rest_path + world.declared.rest.markets.path())
    return bytes(answer.body)


def _widen(market: ListedMarket) -> ListedMarket:
    return msgspec.structs.replace(market, info="x" * INFO_BYTES_MAX)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
