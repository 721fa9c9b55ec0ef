"""Adds up a day's files into the figures of its certificate."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import msgspec
from typing_extensions import override

from booktape.books.coverage import Interval, find_coverage
from booktape.books.market import Market, Sessions
from booktape.books.recorded import Recorded
from booktape.books.spans import Run
from booktape.certificate import AVAILABLE, DEGRADED, Certificate, DailyEntry, SymbolFigures
from booktape.certify.day_sums import DaySums, find_borders
from booktape.certify.feed import SymbolFeed, find_missing, read_feed
from booktape.certify.symbol_figures import make_figures
from booktape.errors import TapeError
from booktape.keys import day_of
from booktape.ledger import Ledger
from booktape.segments.opened import Segments
from booktape.segments.segment import Segment
from booktape.store.protocol import Store
from booktape.times import DAY_US

Range = tuple[int, int]


def add_up(
    store: Store, url: str, certificate: Certificate, sums: DaySums | None = None
) -> Certificate:
    """Return the certificate with the figures of its files.

    The store has the files and this certificate; without `sums` this reads the files. Raise
    `TapeError` if they have another number of events than the manifests.
    """
    if sums is None:
        sums = begin_sums(store, certificate)
        read_files(store, certificate.files, sums)
    day = _Day(store, url, certificate, sums)
    symbols = [day.make(symbol) for symbol in sums.symbols]
    _check_events(certificate, symbols, sums.feed.symbols[None].events)
    is_sound = all(found.condition == AVAILABLE for found in symbols)
    return msgspec.structs.replace(
        certificate,
        condition=AVAILABLE if is_sound and not day.is_holed else DEGRADED,
        journal_holes=sums.feed.journal_holes,
        missing=day.missing,
        symbols=symbols,
    )


def begin_sums(store: Store, certificate: Certificate) -> DaySums:
    """Return empty sums; they need the feed's rows, which decide how to cut the other rows."""
    files = [file for file in certificate.files if file.table == "feed_events"]
    feed = read_feed(Segment(store, file, file.table) for file in files)
    return DaySums(feed, find_borders(certificate.manifests))


def read_files(store: Store, files: Iterable[DailyEntry], sums: DaySums) -> None:
    """Add the rows of these files, except those of the feed."""
    for file in files:
        if file.table != "feed_events":
            sums.read(Segment(store, file, file.table), file.table, file.revision)


class _Day:
    """One day, after its rows were added up."""

    def __init__(self, store: Store, url: str, certificate: Certificate, sums: DaySums) -> None:
        self._certificate = certificate
        self._sums = sums
        self._ledger = Ledger(store, url, is_joined=True)
        flushes = self._ledger.day(certificate.exchange, certificate.date)
        self.missing = find_missing(flushes, sums.feed)
        self.is_holed = bool(self.missing or sums.feed.journal_holes)
        self._runs: dict[str, list[Run]] = {}
        make = partial(_DayRecorded, date=certificate.date, runs=self._runs)
        self._sessions = Sessions(self._ledger, Segments(store), make)
        self._sessions.expect_all(certificate.exchange)
        begin = day_of(certificate.date) * DAY_US
        self._span = begin, begin + DAY_US

    def make(self, symbol: str) -> SymbolFigures:
        """Return the figures of a symbol."""
        found = self._sums.find(symbol)
        self._runs.clear()
        for session, runs in found.runs.items():
            self._runs[session] = sorted(runs, key=lambda run: run.number)
        coverage: Sequence[Interval] = ()
        if found.runs:
            market = Market(self._ledger, self._sessions, self._certificate.exchange, symbol)
            coverage = list(find_coverage(market, *self._span))
        feed = self._sums.feed.symbols.get(symbol, SymbolFeed())
        return make_figures(symbol, found, feed, coverage, is_holed=self.is_holed)


class _DayRecorded(Recorded):
    """A session with one day that it need not read: the runs of that day are known."""

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
        """Return the runs of one flush; the day's first flush has all runs of the day."""
        if self.keys[place].date != self._date:
            return super().runs(place, symbol)
        is_first = not place or self.keys[place - 1].date != self._date
        return self._day_runs.get(self.session, []) if is_first else []


def _check_events(
    certificate: Certificate, symbols: Sequence[SymbolFigures], events_of_none: int
) -> None:
    """Raise `TapeError` if the files have another number of events than the manifests."""
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
            f"manifests {said}; booktape verify shows more"
        )
