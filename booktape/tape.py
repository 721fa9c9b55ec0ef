"""A tape: what it holds, and every way to read it."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa

from booktape import catalog, coverage, instruments
from booktape.book import Book, Gap, find_book, replay
from booktape.catalog import Catalog
from booktape.errors import UnknownTable
from booktape.instruments import find_instrument_flushes, read_instruments
from booktape.ledger import Flush, Ledger
from booktape.manifest import TableEntry
from booktape.market import Market, Sessions
from booktape.raw import add_exchange, find_flushes, make_schema, read_raw
from booktape.scan import Recipe, Scan, make_rows
from booktape.segments import Segments
from booktape.stitched import read_stitched
from booktape.store.cache import CachedStore
from booktape.store.opening import open_store
from booktape.store.storage import Storage
from booktape.tables import SCHEMAS
from booktape.times import Moment, date_of_ts, parse_moment, parse_range
from booktape.trades import SCHEMA as TRADES
from booktape.trades import find_trade_flushes, read_trades

MEMORY_BYTES: Final = 268_435_456
_STITCHED: Final = ("book", "trades")


def open_tape(
    url: str | PathLike[str],
    *,
    region: str = "",
    endpoint_url: str = "",
    cache: str | PathLike[str] | None = None,
    certified: bool = True,  # noqa: ARG001 (no day is certified yet; answers do not depend on it)
    memory_bytes: int = MEMORY_BYTES,
) -> "Tape":
    """Return a tape; raise `NotATape` where there is none, `StoreError` where it cannot be read.

    `url` is "file:<folder>", "s3://<bucket>/<prefix>" or a path. `cache` is a folder that keeps
    objects of a bucket, which never change. Certified days are preferred unless `certified` is
    false; the answers are the same. A scan takes about `memory_bytes` at most.
    """
    if memory_bytes <= 0:
        raise ValueError(f"memory_bytes is {memory_bytes}: give a number of bytes above 0")
    storage = make_storage(url, region=region, endpoint_url=endpoint_url)
    store = open_store(storage)
    if cache is not None and storage.url.startswith("s3://"):
        store = CachedStore(store, Path(cache), scope=f"{storage.endpoint_url} {storage.url}")
    return Tape(Ledger(store, storage.url), Segments(store), memory_bytes=memory_bytes)


def make_storage(url: str | PathLike[str], *, region: str, endpoint_url: str) -> Storage:
    """Return the settings of a store; ValueError where one of them is none."""
    text = fspath(url)
    if not text.startswith(("file:", "s3://")):
        text = f"file:{text}"
    try:
        return msgspec.convert(
            {"url": text, "region": region, "endpoint_url": endpoint_url}, Storage
        )
    except msgspec.ValidationError as error:
        raise ValueError(f"{text} cannot be opened: {error}") from None


class Tape:
    """A tape as it was when it was opened; what a writer adds later is seen by a later one."""

    def __init__(self, ledger: Ledger, segments: Segments, *, memory_bytes: int) -> None:
        self._ledger = ledger
        self._segments = segments
        self._memory_bytes = memory_bytes
        self._sessions = Sessions(ledger, segments)
        self._catalog = Catalog(ledger, segments, self._sessions)

    def exchanges(self) -> list[str]:
        """Return the exchanges that have recorded something."""
        return self._ledger.exchanges

    def symbols(self, exchange: str | None = None) -> Scan:
        """Return the markets: exchange, symbol, first and last date, tables."""
        names = self._name_exchanges(exchange)
        make = partial(self._catalog.symbols, names)
        return self._list("symbols", catalog.SYMBOLS, make, names)

    def days(self, exchange: str | None = None) -> Scan:
        """Return the days from an exchange's first to its last, and their condition."""
        names = self._name_exchanges(exchange)
        return self._list("days", catalog.DAYS, partial(self._catalog.days, names), names)

    def sessions(
        self,
        exchange: str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> Scan:
        """Return the runs of ingest processes that recorded something in a range."""
        names = self._name_exchanges(exchange)
        span = self._range(names, start, end)
        make = partial(self._catalog.sessions, names, *span)
        return self._list("sessions", catalog.SESSIONS, make, names)

    def scan(
        self,
        table: str,
        market: str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        *,
        stitched: bool = False,
    ) -> Scan:
        """Return a table's rows as stored; stitched, as one session would have written them."""
        if table not in SCHEMAS:
            raise UnknownTable(table, SCHEMAS)
        exchanges, symbol = self._parse(market)
        span = self._range(exchanges, start, end)
        if not stitched:
            return self._scan_raw(table, exchanges, symbol, span)
        if table not in _STITCHED or symbol is None:
            raise ValueError("stitched=True takes the table book or trades, and one market")
        found = self._market(exchanges[0], symbol)
        read = partial(_read_book, found, *span)
        if table == "trades":
            read = partial(self._read_trades, (exchanges[0], symbol), span)
        name = f"{table} of {market}, stitched"
        entries = partial(self._entries, exchanges, (table, "feed_events"), span)
        return Scan(Recipe(name, make_schema(table), entries, read))

    def trades(
        self,
        market: str,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> Scan:
        """Return each trade once, by its time: the exchange's, else when it was received."""
        exchange, symbol = self._parse_market(market)
        span = self._range([exchange], start, end)

        read = partial(self._read_trades, (exchange, symbol), span)

        def entries() -> list[TableEntry]:
            flushes = find_trade_flushes(self._ledger, exchange, *span)
            return [flush.tables["trades"] for flush in flushes]

        return Scan(Recipe(f"trades of {market}", TRADES, entries, read))

    def book_at(self, market: str, moment: Moment) -> Book:
        """Return the book at a moment; raise `NotKnown` with the gap and its cause."""
        return find_book(self._market(*self._parse_market(market)), parse_moment(moment))

    def replay(
        self, market: str, start: Moment | None = None, end: Moment | None = None
    ) -> Iterator[tuple[dt.datetime, Book | Gap]]:
        """Return an iterator of the book at the start, and of each change. Simple and slow."""
        exchange, symbol = self._parse_market(market)
        return replay(self._market(exchange, symbol), *self._range([exchange], start, end))

    def coverage(
        self,
        market: str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> Scan:
        """Return when books are known, and why not: of a market, of an exchange, of all."""
        exchanges, symbol = self._parse(market)
        span = self._range(exchanges, start, end)

        def make() -> Iterator[tuple[object, ...]]:
            for exchange in exchanges:
                for name in [symbol] if symbol else self._catalog.book_symbols(exchange):
                    for found in coverage.find_coverage(self._market(exchange, name), *span):
                        yield (exchange, name, *msgspec.structs.astuple(found))

        return self._list("coverage", coverage.SCHEMA, make, exchanges, span)

    def instruments(self, exchange: str, date: dt.date | str) -> Scan:
        """Return the last row of each symbol at or before a date."""
        last = date_of_ts(parse_moment(date))

        def find() -> list[Flush]:
            return find_instrument_flushes(self._ledger, exchange, last)

        def read(_columns: Sequence[str]) -> Iterator[pa.Table]:
            yield read_instruments(self._segments, find())

        def entries() -> list[TableEntry]:
            return [flush.tables[instruments.TABLE] for flush in find()]

        self._ledger.dates(exchange)
        return Scan(Recipe(f"instruments of {exchange}", instruments.SCHEMA, entries, read))

    # --- arguments ---

    def _name_exchanges(self, exchange: str | None) -> list[str]:
        if exchange is None:
            return self._ledger.exchanges
        self._ledger.dates(exchange)
        return [exchange]

    def _parse(self, market: str | None) -> tuple[list[str], str | None]:
        """Return the exchanges and the symbol of a market, an exchange or of everything."""
        if market is None or ":" not in market:
            return self._name_exchanges(market), None
        exchange, symbol = self._parse_market(market)
        return [exchange], symbol

    def _parse_market(self, market: str) -> tuple[str, str]:
        exchange, colon, symbol = market.partition(":")
        if not colon:
            raise ValueError(f"{market!r} is no market: write bitvavo:BTC-EUR")
        self._catalog.check(exchange, symbol)
        return exchange, symbol

    def _market(self, exchange: str, symbol: str) -> Market:
        return Market(self._ledger, self._sessions, exchange, symbol)

    def _range(
        self, exchanges: Sequence[str], start: Moment | None, end: Moment | None
    ) -> tuple[int, int]:
        """Return a range in µs; where it is not said, from the first to behind the last row."""
        bounds = (0, 0)
        if start is None or end is None:
            bounds = self._ledger.find_bounds(exchanges)
        return parse_range(start, end, bounds=bounds)

    # --- scans ---

    def _read_trades(
        self, market: tuple[str, str], span: tuple[int, int], _columns: Sequence[str]
    ) -> Iterator[pa.Table]:
        rows = read_trades(self._ledger, self._segments, market, *span)
        yield add_exchange(rows, market[0])

    def _list(
        self,
        name: str,
        schema: pa.Schema,
        make: Callable[[], Iterable[Sequence[object]]],
        exchanges: Sequence[str],
        span: tuple[int, int] | None = None,
    ) -> Scan:
        """Return a scan of rows that are made in Python."""

        def read(_columns: Sequence[str]) -> Iterator[pa.Table]:
            yield make_rows(schema, make())

        entries = partial(self._entries, exchanges, tuple(SCHEMAS), span)
        return Scan(Recipe(name, schema, entries, read))

    def _scan_raw(
        self, table: str, exchanges: list[str], symbol: str | None, span: tuple[int, int]
    ) -> Scan:
        schema = make_schema(table)

        def read(columns: Sequence[str]) -> Iterator[pa.Table]:
            wanted = [name for name in columns if name != "exchange"]
            for flush in find_flushes(self._ledger, exchanges, table, *span):
                for rows in read_raw(
                    self._segments.open(flush, table),
                    flush,
                    wanted,
                    span,
                    symbol=symbol,
                    memory_bytes=self._memory_bytes,
                ):
                    yield add_exchange(rows, flush.exchange)

        name = f"{table} of {symbol or 'all symbols'} of {', '.join(exchanges)}"
        return Scan(Recipe(name, schema, partial(self._entries, exchanges, (table,), span), read))

    def _entries(
        self, exchanges: Sequence[str], tables: Sequence[str], span: tuple[int, int] | None
    ) -> list[TableEntry]:
        """Return the segments that a scan may read."""
        first, last = span or self._ledger.find_bounds(exchanges)
        return [
            flush.tables[table]
            for table in tables
            for flush in find_flushes(self._ledger, exchanges, table, first, last)
        ]


def _read_book(market: Market, start: int, end: int, _columns: Sequence[str]) -> Iterator[pa.Table]:
    for rows in read_stitched(market, start, end):
        yield add_exchange(rows, market.exchange)
