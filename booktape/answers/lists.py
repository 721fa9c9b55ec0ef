"""Makes scans that list a tape's markets, days, sessions, instruments, coverage."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import msgspec
import pyarrow as pa

from booktape.answers import catalog, instruments
from booktape.answers.reading import Range, Reading, find_sources
from booktape.books import coverage
from booktape.flush import Flush
from booktape.manifest import TableEntry
from booktape.scan import Recipe, Scan, make_rows

Rows = Iterable[Sequence[object]]


def scan_symbols(reading: Reading, exchanges: list[str]) -> Scan:
    """Return the markets."""
    make = partial(reading.catalog.symbols, exchanges)
    entries = partial(reading.find_entries, exchanges)
    return _scan("symbols", catalog.SYMBOLS, make, entries=entries)


def scan_days(reading: Reading, exchanges: list[str]) -> Scan:
    """Return the days."""
    make = partial(reading.catalog.days, exchanges)
    entries = partial(reading.find_entries, exchanges)
    return _scan("days", catalog.DAYS, make, entries=entries)


def scan_sessions(reading: Reading, exchanges: list[str], span: Range) -> Scan:
    """Return the sessions."""
    make = partial(reading.catalog.sessions, exchanges, *span)
    entries = partial(reading.find_entries, exchanges, span)
    return _scan("sessions", catalog.SESSIONS, make, entries=entries)


def scan_coverage(reading: Reading, exchanges: list[str], symbol: str | None, span: Range) -> Scan:
    """Return the coverage of one symbol, or of all with a book: known intervals, and causes."""

    def make() -> Iterator[Sequence[object]]:
        for exchange in exchanges:
            names = [symbol] if symbol else reading.catalog.book_symbols(exchange)
            if symbol is None:
                reading.sessions.expect_all(exchange)
            for name in names:
                market = reading.make_market(exchange, name)
                for found in coverage.find_coverage(market, *span):
                    yield exchange, name, *msgspec.structs.astuple(found)

    entries = partial(reading.find_entries, exchanges, span, ("book", "feed_events"))
    return _scan("coverage", coverage.SCHEMA, make, entries=entries)


def scan_instruments(reading: Reading, exchange: str, date: str) -> Scan:
    """Return the last row of each symbol's instrument at or before a date."""

    def find() -> list[Flush]:
        return instruments.find_instrument_flushes(reading.ledger, exchange, date)

    def read(_columns: Sequence[str]) -> Iterator[pa.Table]:
        yield instruments.read_instruments(reading.segments, find())

    def entries() -> list[TableEntry]:
        return find_sources((instruments.TABLE, flush) for flush in find())

    return Scan(Recipe(f"instruments of {exchange}", instruments.SCHEMA, entries, read))


def _scan(
    name: str,
    schema: pa.Schema,
    make: Callable[[], Rows],
    *,
    entries: Callable[[], list[TableEntry]],
) -> Scan:
    def read(_columns: Sequence[str]) -> Iterator[pa.Table]:
        yield make_rows(schema, make())

    return Scan(Recipe(name, schema, entries, read))
