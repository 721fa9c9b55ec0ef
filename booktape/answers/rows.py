"""Makes scans of a tape's rows: as stored, stitched, or each trade once."""

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa

from booktape.answers import trades
from booktape.answers.quotes import QUOTED, quote
from booktape.answers.raw import add_name, make_schema, read_raw
from booktape.answers.reading import Range, Reading, find_sources
from booktape.books.market import Market
from booktape.books.stitched import read_stitched
from booktape.manifest import TableEntry
from booktape.scan import Recipe, Scan


def scan_raw(
    reading: Reading, table: str, exchanges: list[str], symbol: str | None, span: Range
) -> Scan:
    """Return rows as stored, by session and event number."""

    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        wanted = [name for name in columns if name != "exchange"]
        is_of_all = symbol is None
        for flush in reading.find_flushes(exchanges, table, span, in_order=is_of_all):
            segment = reading.segments.open(flush, table)
            memory = reading.memory_bytes
            for rows in read_raw(segment, flush, wanted, span, symbol, memory_bytes=memory):
                yield add_name(rows, "exchange", flush.exchange)

    name = f"{table} of {symbol or 'all symbols'} of {', '.join(exchanges)}"
    entries = partial(reading.find_entries, exchanges, span, (table,))
    return Scan(Recipe(name, make_schema(table), entries, read))


def scan_stitched(reading: Reading, table: str, market: Market, span: Range) -> Scan:
    """Return the rows of a book or of trades as one session would have written them."""

    def read(_columns: Sequence[str]) -> Iterator[pa.Table]:
        for rows in _read_stitched(reading, table, market, span):
            yield add_name(rows, "exchange", market.exchange)

    tables = (table, "feed_events") if table == "book" else (table,)
    entries = partial(reading.find_entries, [market.exchange], span, tables)
    return Scan(Recipe(f"{table} of {market.name}, stitched", make_schema(table), entries, read))


def scan_trades(reading: Reading, market: Market, span: Range, *, is_quoted: bool) -> Scan:
    """Return each trade once, by its time; if quoted, with the best prices just before it came."""

    def read(_columns: Sequence[str]) -> Iterator[pa.Table]:
        for rows in _read_trades(reading, market, span):
            yield quote(market, rows) if is_quoted else rows

    def entries() -> list[TableEntry]:
        flushes = trades.find_trade_flushes(reading.ledger, market.exchange, *span)
        return find_sources(("trades", flush) for flush in flushes)

    schema = QUOTED if is_quoted else trades.SCHEMA
    return Scan(Recipe(f"trades of {market.name}", schema, entries, read))


def _read_stitched(reading: Reading, table: str, market: Market, span: Range) -> Iterator[pa.Table]:
    if table == "book":
        yield from read_stitched(market, *span)
    else:
        for rows in _read_trades(reading, market, span):
            yield add_name(rows, "symbol", market.symbol)


def _read_trades(reading: Reading, market: Market, span: Range) -> Iterator[pa.Table]:
    place = market.exchange, market.symbol
    return trades.read_trades(
        reading.ledger, reading.segments, place, *span, memory_bytes=reading.memory_bytes
    )
