"""Adds up a day's files into the figures of its certificate."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import msgspec
from typing_extensions import override

from booktape.books.coverage import Interval, find_coverage
from booktape.books.market import Market, Sessions
from booktape.books.recorded import Recorded
from booktape.books.spans import Run
from booktape.certificate import AVAILABLE, DEGRADED, Certificate, SymbolFigures
from booktape.certify.feed import DayFeed, SymbolFeed, find_missing, read_feed
from booktape.certify.symbol_figures import COLUMNS, SymbolSum, make_figures
from booktape.certify.symbol_rows import DayTable, read_symbols
from booktape.errors import TapeError
from booktape.keys import day_of
from booktape.ledger import Ledger
from booktape.segments.opened import Segments
from booktape.segments.segment import Segment
from booktape.store.protocol import Store
from booktape.times import DAY_US

Range = tuple[int, int]


def add_up(store: Store, url: str, certificate: Certificate) -> Certificate:
    """Return the certificate with all that its files add up to.

    The store has the files and this certificate. Raise `TapeError` where the files have other
    events than the manifests count.
    """
    day = _Day(store, url, certificate)
    symbols = list(day.read())
    _check_events(certificate, symbols, day.feed.symbols[None].events)
    is_sound = all(found.condition == AVAILABLE for found in symbols)
    return msgspec.structs.replace(
        certificate,
        condition=AVAILABLE if is_sound and not day.is_holed else DEGRADED,
        journal_holes=day.feed.journal_holes,
        missing=day.missing,
        symbols=symbols,
    )


class _Day:
    """One day, read symbol by symbol."""

    def __init__(self, store: Store, url: str, certificate: Certificate) -> None:
        self._certificate = certificate
        self._ledger = Ledger(store, url, is_joined=True)
        files = [
            DayTable(
                file.table,
                file.revision,
                Segment(store, file, file.table),
                COLUMNS[file.table],
            )
            for file in certificate.files
        ]
        self._files = [file for file in files if file.table != "feed_events"]
        self.feed = read_feed(file.segment for file in files if file.table == "feed_events")
        flushes = self._ledger.day(certificate.exchange, certificate.date)
        self.missing = find_missing(flushes, self.feed)
        self.is_holed = bool(self.missing or self.feed.journal_holes)
        # What does not follow each other is not one flush: events are missing between, or lie in
        # the files of another revision.
        self._borders: dict[str, list[int]] = {}
        for flush in flushes:
            self._borders.setdefault(flush.session, []).append(flush.first)
        self._runs: dict[str, list[Run]] = {}
        make = partial(_DayRecorded, date=certificate.date, runs=self._runs)
        self._sessions = Sessions(self._ledger, Segments(store), make)
        self._sessions.expect_all(certificate.exchange)
        begin = day_of(certificate.date) * DAY_US
        self._span = begin, begin + DAY_US

    def read(self) -> Iterator[SymbolFigures]:
        """Yield the figures of each symbol."""
        silent = {symbol for symbol in self.feed.symbols if symbol is not None}
        for symbol, parts in read_symbols(self._files):
            found = SymbolSum()
            cuts = _Cuts(self.feed, self._borders, symbol)
            for part in parts:
                found.add(part, cuts)
            if symbol is not None:
                silent.discard(symbol)
                yield self._make(symbol, found)
        for symbol in sorted(silent):
            yield self._make(symbol, SymbolSum())

    def _make(self, symbol: str, found: SymbolSum) -> SymbolFigures:
        self._runs.clear()
        for session, runs in found.runs.items():
            self._runs[session] = sorted(runs, key=lambda run: run.number)
        coverage: Sequence[Interval] = ()
        if found.runs:
            market = Market(self._ledger, self._sessions, self._certificate.exchange, symbol)
            coverage = list(find_coverage(market, *self._span))
        feed = self.feed.symbols.get(symbol, SymbolFeed())
        return make_figures(symbol, found, feed, coverage, is_holed=self.is_holed)


class _Cuts(Mapping[str, Sequence[int]]):
    """The event numbers of each session over which no run of a symbol's rows may reach."""

    def __init__(self, feed: DayFeed, borders: dict[str, list[int]], symbol: str | None) -> None:
        self._feed, self._borders, self._symbol = feed, borders, symbol
        self._known: dict[str, list[int]] = {}

    @override
    def __getitem__(self, session: str) -> Sequence[int]:
        if session not in self._known:
            cuts = self._feed.cuts
            self._known[session] = [
                *cuts.get((session, None), ()),
                *cuts.get((session, self._symbol), ()),
                *self._borders.get(session, ()),
            ]
        return self._known[session]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    @override
    def __len__(self) -> int:
        return len(self._known)


class _DayRecorded(Recorded):
    """A session, one day of which is not read again: its runs of a symbol's rows are there."""

    def __init__(
        self,
        ledger: Ledger,
        segments: Segments,
        exchange: str,
        session: str,
        *,
        date: str,
        runs: Mapping[str, list[Run]],
    ) -> None:
        super().__init__(ledger, segments, exchange, session)
        self._date = date
        self._day_runs = runs

    @override
    def runs(self, place: int, symbol: str) -> list[Run]:
        """Return the runs of one flush; of the day's first one all that the day has."""
        if self.keys[place].date != self._date:
            return super().runs(place, symbol)
        is_first = not place or self.keys[place - 1].date != self._date
        return self._day_runs.get(self.session, []) if is_first else []


def _check_events(
    certificate: Certificate, symbols: Sequence[SymbolFigures], events_of_none: int
) -> None:
    """Raise where the files have other events than the manifests say."""
    counted = {"feed_events": events_of_none} if events_of_none else {}
    for found in symbols:
        for table, events in found.events.items():
            counted[table] = counted.get(table, 0) + events
    said: dict[str, int] = {}
    for file in certificate.files:
        said[file.table] = said.get(file.table, 0) + file.events
    if counted != said:
        raise TapeError(
            f"{certificate.exchange} {certificate.date}: the segments have {counted} events, their "
            f"manifests say {said}; booktape verify tells more"
        )
