"""A tape offers every way to read it."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from booktape.answers.reading import Reading
from booktape.books.book import Book, Gap, find_book, replay
from booktape.errors import NotKnown, UnknownTable
from booktape.later import LaterModule
from booktape.scan import Scan
from booktape.tables import SCHEMAS
from booktape.times import Every, Moment, date_of_ts, parse_every, parse_moment

if TYPE_CHECKING:
    from booktape.answers import bar_scan, lists, rows, tops
else:  # the first book must not wait for the modules of other calls
    bar_scan, lists, rows, tops = (
        LaterModule(f"booktape.answers.{name}") for name in ("bar_scan", "lists", "rows", "tops")
    )

_STITCHED = ("book", "trades")


class Tape:
    """A tape as of its opening; open it again to see what a writer has added since.

    A market is one text, "bitvavo:BTC-EUR"; if a whole exchange makes sense, "bitvavo". A moment
    is an aware datetime, ISO 8601 text (UTC without a zone), a date, or whole µs since 1970.
    A range is `[start, end)`; None is the tape's own bound.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def exchanges(self) -> list[str]:
        """Return the exchanges of the tape."""
        return self._reading.ledger.exchanges

    def symbols(self, exchange: str | None = None) -> Scan:
        """Return the markets: exchange, symbol, first and last date, tables."""
        return lists.scan_symbols(self._reading, self._reading.name_exchanges(exchange))

    def days(self, exchange: str | None = None) -> Scan:
        """Return the days from an exchange's first to its last, with their condition."""
        return lists.scan_days(self._reading, self._reading.name_exchanges(exchange))

    def sessions(
        self,
        exchange: str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> Scan:
        """Return the sessions, runs of ingest processes, with rows in a range."""
        exchanges = self._reading.name_exchanges(exchange)
        span = self._reading.parse_range(exchanges, start, end)
        return lists.scan_sessions(self._reading, exchanges, span)

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
        exchanges, symbol = self._reading.parse_scope(market)
        span = self._reading.parse_range(exchanges, start, end)
        if not stitched:
            return rows.scan_raw(self._reading, table, exchanges, symbol, span)
        if table not in _STITCHED or symbol is None:
            raise ValueError("stitched=True takes the table book or trades, and one market")
        found = self._reading.make_market(exchanges[0], symbol)
        return rows.scan_stitched(self._reading, table, found, span)

    def trades(
        self,
        market: str,
        start: Moment | None = None,
        end: Moment | None = None,
        *,
        quote: bool = False,
    ) -> Scan:
        """Return each trade once, by its time: the exchange's, else the receive time.

        `quote` adds the best prices just before the receipt, null for a trade more than 5 s late.
        """
        found = self._reading.parse_market(market)
        span = self._reading.parse_range([found.exchange], start, end)
        return rows.scan_trades(self._reading, found, span, is_quoted=quote)

    def book_at(self, market: str, moment: Moment) -> Book:
        """Return the book at a moment; raise `NotKnown` with the gap and its cause."""
        found = self._reading.name_market(market)
        try:
            return find_book(found, parse_moment(moment))
        except NotKnown:
            # A book that is found proves its market: to look for it first would cost requests.
            self._reading.catalog.check(found.exchange, found.symbol)
            raise

    def replay(
        self, market: str, start: Moment | None = None, end: Moment | None = None
    ) -> Iterator[tuple[dt.datetime, Book | Gap]]:
        """Return an iterator of the book at the start, and of each change. Simple and slow."""
        found = self._reading.parse_market(market)
        return replay(found, *self._reading.parse_range([found.exchange], start, end))

    def top(
        self,
        market: str,
        start: Moment | None = None,
        end: Moment | None = None,
        *,
        depth: int = 10,
        every: Every | None = "1s",
        at: object = None,
        add: Sequence[str] = (),
    ) -> Scan:
        """Return the best levels on a grid, at each change (`every=None`), or `at` moments.

        `add` appends mid, spread_bps, microprice, imbalance, bid_within_<n>bps, ask_within_<n>bps.
        """
        found = self._reading.parse_market(market)
        if at is not None:
            if start is not None or end is not None:
                raise ValueError("at takes the place of start and end")
            return tops.scan_top_at(self._reading, found, at, depth=depth, add=add)
        span = self._reading.parse_range([found.exchange], start, end)
        step = None if every is None else parse_every(every)
        return tops.scan_top(self._reading, found, span, depth=depth, every=step, add=add)

    def bars(
        self,
        market: str,
        start: Moment | None = None,
        end: Moment | None = None,
        *,
        every: Every = "1m",
    ) -> Scan:
        """Return every bar that begins in a range; `is_whole`: it lacks no trade."""
        found = self._reading.parse_market(market)
        span = self._reading.parse_range([found.exchange], start, end)
        return bar_scan.scan_bars(self._reading, found, span, every=parse_every(every))

    def coverage(
        self,
        market: str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> Scan:
        """Return when books are known, and why not: of a market, an exchange, or all."""
        exchanges, symbol = self._reading.parse_scope(market)
        span = self._reading.parse_range(exchanges, start, end)
        return lists.scan_coverage(self._reading, exchanges, symbol, span)

    def align(
        self,
        markets: Mapping[str, str],
        start: Moment | None = None,
        end: Moment | None = None,
        *,
        every: Every | None,
        columns: Sequence[str] = ("bid_price_00", "ask_price_00"),
    ) -> Scan:
        """Return columns of several markets' tops side by side, as `<name>_<column>`."""
        found = {name: self._reading.parse_market(market) for name, market in markets.items()}
        exchanges = sorted({market.exchange for market in found.values()})
        span = self._reading.parse_range(exchanges, start, end)
        step = None if every is None else parse_every(every)
        return tops.scan_aligned(self._reading, found, span, every=step, columns=columns)

    def spread(
        self,
        a: str,
        b: str,
        start: Moment | None = None,
        end: Moment | None = None,
        *,
        via: tuple[str, str] | None = None,
        fees: Mapping[str, float],
        every: Every | None = "1s",
        depth: int = 25,
    ) -> Scan:
        """Return the earnings of buying on one market and selling on the other.

        `fees` has a taker's share by exchange, 0.0025 for 0.25 %. If the quotes differ, `via` is
        one currency in both, such as ("bitvavo:USDT-EUR", "btcturk:USDT-TRY").
        """
        names = {"a": a, "b": b} | tops.parse_via(via)
        found = {name: self._reading.parse_market(market) for name, market in names.items()}
        tops.check_quotes(found)
        exchanges = sorted({market.exchange for market in found.values()})
        span = self._reading.parse_range(exchanges, start, end)
        step = None if every is None else parse_every(every)
        return tops.scan_spread(
            self._reading,
            found,
            span,
            fees=tops.choose_fees(found, fees),
            every=step,
            depth=depth,
        )

    def instruments(self, exchange: str, date: dt.date | str) -> Scan:
        """Return an exchange's latest description of each symbol, at or before a date."""
        self._reading.name_exchanges(exchange)
        until = date_of_ts(parse_moment(date))
        return lists.scan_instruments(self._reading, exchange, until)
