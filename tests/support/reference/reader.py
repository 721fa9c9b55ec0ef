"""A slow, plain reader of a whole tape, by the rules alone, to compare the library with."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.reference.books import Book, Books, Interval, Top, grid
from tests.support.reference.rows import read_sessions
from tests.support.reference.spans import Span, find_spans
from tests.support.reference.spread import Leg, Spread, find_spread
from tests.support.reference.trades import Bar, Quote, Trade, Trades, quote_of

Market = tuple[str, str]  # exchange and symbol


class Reference:
    """One tape in a folder."""

    def __init__(self, root: Path) -> None:
        self.sessions = read_sessions(root)
        self._exchanges = {session.name: session.exchange for session in self.sessions}
        self.spans = [span for session in self.sessions for span in find_spans(session)]
        self._books: dict[Market, Books] = {}
        self._trades: dict[Market, Trades] = {}

    def markets(self) -> list[Market]:
        """Return each market with rows of book, trades or ticker."""
        tables = ("book", "trades", "ticker")
        return sorted(
            {
                (session.exchange, event.symbol)
                for session in self.sessions
                for event in session.events
                if event.table in tables and event.symbol is not None
            }
        )

    def spans_of(self, exchange: str, symbol: str) -> list[Span]:
        """Return the spans of one market over all sessions."""
        return [
            span
            for span in self.spans
            if self._exchanges[span.session] == exchange and span.symbol == symbol
        ]

    def book_at(self, exchange: str, symbol: str, moment: int) -> Book | None:
        """Return the book at a time, or nothing where it is unknown."""
        return self._find_books(exchange, symbol).book_at(moment)

    def cause_at(self, exchange: str, symbol: str, moment: int) -> str:
        """Return why the book is unknown at a time."""
        return self._find_books(exchange, symbol).cause_at(moment)

    def coverage(self, exchange: str, symbol: str, start: int, end: int) -> list[Interval]:
        """Return the intervals in which the book is known and not (R10)."""
        return self._find_books(exchange, symbol).coverage(start, end)

    def top(self, exchange: str, symbol: str, moments: Iterable[int], depth: int) -> list[Top]:
        """Return the best levels at these times (R8)."""
        return self._find_books(exchange, symbol).top(moments, depth)

    def changes(self, exchange: str, symbol: str, start: int, end: int, depth: int) -> list[Top]:
        """Return the best levels whenever they differ (R9)."""
        return self._find_books(exchange, symbol).changes(start, end, depth)

    def trades(self, exchange: str, symbol: str, start: int, end: int) -> list[Trade]:
        """Return each trade once (R11)."""
        return self._find_trades(exchange, symbol).between(start, end)

    def quotes(self, exchange: str, symbol: str, trades: Iterable[Trade]) -> list[Quote]:
        """Return the best prices just before each trade (R13)."""
        books = self._find_books(exchange, symbol)
        return [quote_of(trade, books) for trade in trades]

    def bars(self, exchange: str, symbol: str, start: int, end: int, every: int) -> list[Bar]:
        """Return the bars that begin in the range (R11, R14)."""
        return self._find_trades(exchange, symbol).bars(start, end, every)

    def spread(
        self,
        markets: Sequence[Market],
        start: int,
        end: int,
        *,
        fees: dict[str, float],
        every: int,
        depth: int,
    ) -> list[Spread | None]:
        """Return each row of the grid (R12); `markets`: A, B and the two currencies, if any."""
        found = []
        for moment in grid(start, end, every):
            first, second, *via = [
                Leg(self.book_at(exchange, symbol, moment), fees[exchange])
                for exchange, symbol in markets
            ]
            currencies = (via[0], via[1]) if via else None
            found.append(find_spread(first, second, currencies, depth))
        return found

    def _find_books(self, exchange: str, symbol: str) -> Books:
        market = exchange, symbol
        if market not in self._books:
            self._books[market] = Books(self.spans_of(exchange, symbol))
        return self._books[market]

    def _find_trades(self, exchange: str, symbol: str) -> Trades:
        market = exchange, symbol
        if market not in self._trades:
            sessions = [one for one in self.sessions if one.exchange == exchange]
            self._trades[market] = Trades(sessions, symbol)
        return self._trades[market]
