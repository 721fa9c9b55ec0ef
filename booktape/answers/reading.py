"""Every answer begins with a reading of the tape: its ledger, its segments, the reader's names."""

from collections.abc import Iterable, Sequence

from booktape.answers.catalog import Catalog
from booktape.books.market import Market, Sessions
from booktape.flush import Flush
from booktape.ledger import Ledger
from booktape.manifest import TableEntry
from booktape.segments.opened import Segments
from booktape.tables import SCHEMAS
from booktape.times import Moment, date_of_ts, parse_range

Range = tuple[int, int]  # from the first moment up to, not including, the second; µs


class Reading:
    """One tape during a reading; it remembers the ledger."""

    def __init__(self, ledger: Ledger, segments: Segments, *, memory_bytes: int) -> None:
        self.ledger = ledger
        self.segments = segments
        self.sessions = Sessions(ledger, segments)
        self.catalog = Catalog(ledger, segments, self.sessions)
        self.memory_bytes = memory_bytes

    def name_exchanges(self, exchange: str | None) -> list[str]:
        """Return the given exchange, or all."""
        if exchange is None:
            return self.ledger.exchanges
        self.ledger.dates(exchange)
        return [exchange]

    def parse_scope(self, market: str | None) -> tuple[list[str], str | None]:
        """Return the exchanges and the symbol of a scope; no symbol if it is no market."""
        if market is None or ":" not in market:
            return self.name_exchanges(market), None
        found = self.parse_market(market)
        return [found.exchange], found.symbol

    def parse_market(self, market: object) -> Market:
        """Return a market of the tape; raise an error if the tape has nothing of it."""
        found = self.name_market(market)
        self.catalog.check(found.exchange, found.symbol)
        return found

    def name_market(self, market: object) -> Market:
        """Return a market, even if the tape has nothing of it."""
        exchange, colon, symbol = market.partition(":") if isinstance(market, str) else ("", "", "")
        if not colon:
            raise ValueError(f"{market!r} is no market: write bitvavo:BTC-EUR")
        return self.make_market(exchange, symbol)

    def make_market(self, exchange: str, symbol: str) -> Market:
        """Return a market."""
        return Market(self.ledger, self.sessions, exchange, symbol)

    def parse_range(
        self, exchanges: Sequence[str], start: Moment | None, end: Moment | None
    ) -> Range:
        """Return a range; by default it goes from the first row to just after the last."""
        bounds = (0, 0)
        if start is None or end is None:
            bounds = self.ledger.find_bounds(exchanges)
        return parse_range(start, end, bounds=bounds)

    def find_flushes(
        self, exchanges: Iterable[str], table: str, span: Range, *, in_order: bool = False
    ) -> list[Flush]:
        """Return flushes with a table's rows on the dates of a range, by session and number.

        `in_order` is for a reader of all symbols of a flush, by event number.
        """
        ledger = self.ledger
        find_day = ledger.day_in_order if in_order else ledger.day
        found: list[Flush] = []
        first, last = date_of_ts(span[0]), date_of_ts(span[1])
        for exchange in exchanges:
            dates = [date for date in self.ledger.dates(exchange) if first <= date <= last]
            self.ledger.list_days(exchange, dates)
            for date in dates:
                found += (f for f in find_day(exchange, date) if table in f.tables)
        return sorted(found, key=lambda flush: (flush.session, flush.first))

    def find_entries(
        self, exchanges: Sequence[str], span: Range | None = None, tables: Iterable[str] = SCHEMAS
    ) -> list[TableEntry]:
        """Return the segments that a scan may read; without a range, of all dates."""
        place = span or self.ledger.find_bounds(exchanges)
        return find_sources(
            (table, flush)
            for table in tables
            for flush in self.find_flushes(exchanges, table, place)
        )


def find_sources(flushes: Iterable[tuple[str, Flush]]) -> list[TableEntry]:
    """Return the objects with the rows of these tables and flushes, each once."""
    entries = (flush.source(table) for table, flush in flushes)
    return list({entry.key: entry for entry in entries}.values())
