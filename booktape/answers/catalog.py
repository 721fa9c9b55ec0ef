"""The catalog of a tape lists its markets, days, sessions, instruments."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

import pyarrow as pa

from booktape.books.market import Sessions
from booktape.books.recorded import Recorded
from booktape.errors import UnknownSymbol
from booktape.flush import Flush
from booktape.keys import date_of, day_of
from booktape.ledger import Ledger
from booktape.scan import NAME, TIME
from booktape.segments.opened import Segments

MARKET_TABLES: Final = ("book", "trades", "ticker")  # the tables with rows of a market
NEAREST_MAX: Final = 3
MISSING, PENDING = "missing", "pending"  # a day without rows; a day without a certificate

SYMBOLS: Final = pa.schema(
    [
        pa.field("exchange", NAME, nullable=False),
        pa.field("symbol", NAME, nullable=False),
        pa.field("first", pa.date32(), nullable=False),
        pa.field("last", pa.date32(), nullable=False),
        pa.field("tables", pa.list_(pa.string()), nullable=False),
    ]
)
DAYS: Final = pa.schema(
    [
        pa.field("exchange", NAME, nullable=False),
        pa.field("date", pa.date32(), nullable=False),
        pa.field("condition", pa.string(), nullable=False),
        pa.field("certified", pa.bool_(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
    ]
)
SESSIONS: Final = pa.schema(
    [
        pa.field("session", NAME, nullable=False),
        pa.field("exchange", NAME, nullable=False),
        pa.field("line", NAME, nullable=False),
        pa.field("first", TIME, nullable=False),
        pa.field("last", TIME, nullable=False),
        pa.field("events", pa.int64(), nullable=False),
        pa.field("ended", pa.bool_(), nullable=False),
        pa.field("reason", pa.string()),
    ]
)


class Catalog:
    """Reads the names on a tape on demand, and remembers them."""

    def __init__(self, ledger: Ledger, segments: Segments, sessions: Sessions) -> None:
        self._ledger = ledger
        self._segments = segments
        self._sessions = sessions
        self._names: dict[str, frozenset[str]] = {}  # of a segment's key
        self._known: set[tuple[str, str]] = set()

    def check(self, exchange: str, symbol: str) -> None:
        """Raise `UnknownExchange` or `UnknownSymbol` if the tape has nothing of a market."""
        dates = self._ledger.dates(exchange)
        if (exchange, symbol) in self._known:
            return
        names: set[str] = set()
        for date in reversed(dates):
            for flush in self._ledger.newest_first(exchange, date):
                for table in MARKET_TABLES:
                    names |= self._find_names(flush, table)
                    if symbol in names:
                        self._known.add((exchange, symbol))
                        return
        nearest = get_close_matches(symbol, sorted(names), NEAREST_MAX, cutoff=0.0)
        raise UnknownSymbol(f"{exchange}:{symbol}", [f"{exchange}:{name}" for name in nearest])

    def symbols(self, exchanges: list[str]) -> Iterator[tuple[object, ...]]:
        """Yield each market: its first date, its last date, its tables."""
        for exchange in exchanges:
            found: dict[str, tuple[list[str], set[str]]] = {}
            for date in self._ledger.dates(exchange):
                for flush in self._ledger.day(exchange, date):
                    for table in MARKET_TABLES:
                        for name in self._find_names(flush, table):
                            dates, tables = found.setdefault(name, ([], set()))
                            dates.append(date)
                            tables.add(table)
            for name, (dates, tables) in sorted(found.items()):
                first, last = (day_of(date) for date in (dates[0], dates[-1]))
                yield exchange, name, first, last, [t for t in MARKET_TABLES if t in tables]

    def book_symbols(self, exchange: str) -> list[str]:
        """Return the symbols of an exchange that have a book."""
        names: set[str] = set()
        for date in self._ledger.dates(exchange):
            for flush in self._ledger.day(exchange, date):
                names |= self._find_names(flush, "book")
        return sorted(names)

    def days(self, exchanges: list[str]) -> Iterator[tuple[object, ...]]:
        """Yield each date from an exchange's first to its last."""
        for exchange in exchanges:
            dates = self._ledger.dates(exchange)
            for day in range(day_of(dates[0]), day_of(dates[-1]) + 1):
                date = date_of(day)
                flushes = self._ledger.day(exchange, date) if date in dates else []
                found = (flush.source(table) for flush in flushes for table in flush.tables)
                sizes = {entry.key: entry.bytes for entry in found}
                certificate = flushes[0].certificate if flushes else None
                condition = PENDING if sizes else MISSING
                if certificate is not None:
                    condition = certificate.condition
                is_certified = certificate is not None
                yield exchange, day, condition, is_certified, sum(sizes.values())

    def sessions(self, exchanges: list[str], start: int, end: int) -> Iterator[tuple[object, ...]]:
        """Yield the sessions with a row from start to end, ordered by their first row."""
        rows = []
        for exchange in exchanges:
            for session in self._sessions.find_all(exchange):
                row = _describe(exchange, session)
                if row is not None and row[3] < end and row[4] >= start:
                    rows.append(row)
        yield from sorted(rows, key=lambda row: (row[3], row[0]))

    def _find_names(self, flush: Flush, table: str) -> frozenset[str]:
        entry = flush.tables.get(table)
        if entry is None:
            return frozenset()
        if entry.key not in self._names:
            self._names[entry.key] = self._segments.open(flush, table).find_symbols()
        return self._names[entry.key]


def _describe(
    exchange: str, session: Recorded
) -> tuple[str, str, str, int, int, int, bool, str | None] | None:
    flushes = session.flushes()
    if not flushes:
        return None
    end = session.find_end_row()
    first = min(flush.ts_min() for flush in flushes)
    last = max(session.find_last_moment(), first)
    events = sum(flush.last - flush.first + 1 for flush in flushes)
    reason = end.detail.reason if end else None
    names = session.session, exchange, session.line
    return *names, first, last, events, end is not None, reason
