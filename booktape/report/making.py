"""Reads a tape for the making of a report: its facts, prices and incidents."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Final

from msgspec import Struct

from booktape.answers.reading import Reading
from booktape.errors import TapeError
from booktape.report.facts import DayFacts, find_symbols
from booktape.report.heat import find_span
from booktape.report.incidents import read_incidents
from booktape.report.page import Contents
from booktape.report.premium import Premium, compare_quotes, read_premium
from booktape.report.quotes import BOOKS, TICKERS, MarketQuotes, Span, read_books, read_tickers
from booktape.report.svg import STEPS_S
from booktape.tape import Tape
from booktape.times import SECOND_US

MARKETS_EACH: Final = 8  # markets of each exchange with spreads: the busiest ones
DEPTH: Final = 10  # levels of both books that an arbitrage walks
INSTANTS: Final = 1500  # of one line, about
PAIR, WITH_CURRENCY = 2, 4

Progress = Callable[[int, int], None]


class Wishes(Struct, frozen=True, kw_only=True):
    """Wishes of a reader: prices to draw. If `are_asked`, the tape must have the markets."""

    markets: Sequence[str] = ()  # A, B, and where quotes differ one currency in both of them
    fees: Mapping[str, float] = {}
    every: int | None = None  # µs
    source: str | None = None
    are_asked: bool = False


def find_source() -> str:
    """Return the source of spreads: books if the fast engine can replay them, else tickers."""
    return BOOKS if all(find_spec(name) for name in ("numba", "numpy")) else TICKERS


def find_every(span: Span) -> int:
    """Return the distance between the instants of a span, µs."""
    least = (span[1] - span[0]) / INSTANTS
    return next((s * SECOND_US for s in STEPS_S if s * SECOND_US >= least), STEPS_S[-1] * SECOND_US)


def gather(
    reading: Reading, days: Sequence[DayFacts], wishes: Wishes, *, tape: str, progress: Progress
) -> Contents:
    """Read all that a page shows of these days."""
    span = find_span(days)
    if span is None:
        return Contents(tape=tape, days=days)
    exchanges = sorted({day.exchange for day in days if day.certificate})
    incidents = read_incidents(Tape(reading), exchanges, span)
    source = wishes.source or find_source()
    every = wishes.every or find_every(span)
    draw = _Draw(Tape(reading), days, span, every=every, source=source)
    remarks = [] if wishes.are_asked else draw.find_missing(wishes.markets)
    wanted = [] if remarks else list(wishes.markets)
    markets = list(dict.fromkeys([*wanted, *draw.find_busiest()]))
    quotes = []
    for done, market in enumerate(markets):
        progress(done, len(markets))
        quotes.append(draw.quote(market))
    return Contents(
        tape=tape,
        days=days,
        incidents=incidents,
        quotes=quotes,
        source=source,
        premium=draw.compare(wanted, wishes.fees, quotes) if wanted else None,
        remarks=remarks,
    )


class _Draw:
    """Reads prices of markets for some days, all on one grid and from one source."""

    def __init__(
        self, tape: Tape, days: Sequence[DayFacts], span: Span, *, every: int, source: str
    ) -> None:
        self._tape = tape
        self._days = days
        self._span = span
        self._every = every
        self._source = source

    def find_missing(self, markets: Sequence[str]) -> list[str]:
        """Return the reasons against a premium of these markets; none if all are recorded."""
        there = {f"{day.exchange}:{found.symbol}" for day, found in find_symbols(self._days)}
        gone = [market for market in markets if market not in there]
        reason = f"Nothing is recorded of {', '.join(gone)}: there is no premium to show."
        return [reason] if gone else []

    def find_busiest(self) -> list[str]:
        """Return the markets with most events, of each exchange."""
        events: dict[str, dict[str, int]] = {}
        for day, found in find_symbols(self._days):
            if found.book_start is not None:
                sums = events.setdefault(day.exchange, {})
                sums[found.symbol] = sums.get(found.symbol, 0) + sum(found.events.values())
        return [
            f"{exchange}:{symbol}"
            for exchange, sums in sorted(events.items())
            for symbol in sorted(sums, key=lambda name: (-sums[name], name))[:MARKETS_EACH]
        ]

    def quote(self, market: str) -> MarketQuotes:
        """Return the quotes of a market."""
        if self._source == BOOKS:
            return read_books(self._tape, market, self._span, self._every)
        gaps = self._find_gaps(market)
        return read_tickers(self._tape, market, self._span, self._every, gaps)

    def _find_gaps(self, market: str) -> list[Span]:
        """Return all times when a book is not known; all of a day without figures."""
        start, end = self._span
        known: list[Span] = []
        for day, found in find_symbols(self._days):
            if f"{day.exchange}:{found.symbol}" != market or found.book_start is None:
                continue
            at = found.book_start
            for gap in found.gaps:
                known += [(at, gap.start)] if gap.start > at else []
                at = max(at, gap.end)
            known += [(at, found.book_end or at)]
        gaps, at = [], start
        for begin, until in sorted(known):
            gaps += [(at, begin)] if begin > at else []
            at = max(at, until)
        return [*gaps, *([(at, end + 1)] if at < end else [])]

    def compare(
        self, markets: Sequence[str], fees: Mapping[str, float], quotes: Sequence[MarketQuotes]
    ) -> Premium:
        """Return the premium of the second market over the first."""
        a, b, *via = markets
        exchanges = {market.partition(":")[0] for market in markets}
        scan = self._tape.spread(
            a,
            b,
            *self._span,
            via=(via[0], via[1]) if via else None,
            fees={**dict.fromkeys(exchanges, 0.0), **fees},
            every=dt.timedelta(microseconds=self._every),
            depth=DEPTH,
        )
        if self._source == TICKERS:
            return compare_quotes(markets, fees, quotes[: len(markets)])
        return read_premium(markets, fees, scan.batches())


def check_markets(markets: Sequence[str]) -> None:
    """Raise `TapeError` unless these are a pair, or a pair and a currency that connects quotes."""
    if len(markets) not in {0, PAIR, WITH_CURRENCY}:
        raise TapeError("a premium takes A B, or A B and one currency in both of their quotes")
