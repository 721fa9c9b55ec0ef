"""Reads the recorded rows of one session: runs of a book's rows, and rows of the feed."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.books.feed_rows import FeedRow, make_rows, read_feed
from booktape.books.memory import LIGHT, TIMES, FoundRuns, RunMemory, choose_kept
from booktape.books.places import find_first
from booktape.books.runs import find_all_runs, find_runs
from booktape.books.spans import KILLED, UNTIMED, Row, Run
from booktape.flush import Flush
from booktape.keys import Key, line_of
from booktape.ledger import Ledger
from booktape.segments.opened import Segments
from booktape.segments.segment import Rows

HELD_FLUSHES_MAX: Final = 8  # of more flushes, fetch only the footers at once
FAR_FLUSHES: Final = 2  # to look at on each side, if the manifest of each is a request
POLLED: Final = "rest"  # the transport of such a session
_INT64: Final = pa.int64()


class Recorded:
    """One session of an exchange: its flushes in the order of event numbers, read when needed.

    It lists the manifests of some dates, and on demand those of earlier or later ones.
    """

    def __init__(self, ledger: Ledger, segments: Segments, exchange: str, session: str) -> None:
        self.session = session
        self.line = line_of(session)
        self.keys: list[Key] = []
        self.is_for_all = False  # whether the caller needs every symbol: read their rows together
        self._ledger = ledger
        self._segments = segments
        self._exchange = exchange
        self._dates = ledger.dates(exchange)
        self._begin = self._end = 0  # the listed dates
        self._is_polled: bool | None = None
        self._feed: dict[int, dict[str | None, list[Row]]] = {}
        self._memory = RunMemory()

    def list_dates(self, begin: int, end: int) -> None:
        """List the manifests of these dates, by their place among the exchange's."""
        if self._begin == self._end:
            self._begin = self._end = begin
        while self._begin > begin:
            self._begin -= 1
            self._add(self._begin)
        while self._end < end:
            self._add(self._end)
            self._end += 1

    def look_back(self) -> bool:
        """List earlier manifests; return whether there are any."""
        count = len(self.keys)
        while self._begin and len(self.keys) == count and self.keys[0].first:
            self.list_dates(self._begin - 1, self._end)
        return len(self.keys) > count

    def look_ahead(self) -> bool:
        """List later manifests; return whether there are any."""
        count = len(self.keys)
        while self._end < len(self._dates) and len(self.keys) == count:
            self.list_dates(self._begin, self._end + 1)
        return len(self.keys) > count

    def _add(self, place: int) -> None:
        found = self._ledger.sessions(self._exchange, self._dates[place]).get(self.session, ())
        self.keys = sorted([*self.keys, *found], key=lambda key: (key.first, key.last))

    # --- flushes ---

    def flush(self, place: int) -> Flush | None:
        """Return a flush; `None` if its segments are gone."""
        flush = self._ledger.read([self.keys[place]])[0]
        return flush if self._ledger.is_there(flush) else None

    def flushes(self) -> list[Flush]:
        """Return every flush whose segments the store has."""
        return [flush for flush in self._ledger.read(self.keys) if self._ledger.is_there(flush)]

    def find_first(self, ts: int) -> int:
        """Return the place of the first flush with rows of a moment or later."""
        return find_first(self._ledger, self.keys, Flush.ts_max, ts)

    def find_end(self, ts: int) -> int:
        """Return the place behind the last flush with rows before a moment."""
        if self._ledger.is_far:
            return find_first(self._ledger, self.keys, Flush.ts_min, ts)
        flushes = self._ledger.read(self.keys)
        held = [place for place, flush in enumerate(flushes, 1) if flush.ts_min() < ts]
        return held[-1] if held else 0

    def open_ahead(self, begin: int, end: int, symbol: str) -> None:
        """Fetch a book's part of flushes before its use, several at once if each is a request."""
        if self._ledger.is_far:
            # The caller needs the times of the flushes before them.
            before = min(FAR_FLUSHES, max(begin, 0))
            flushes = self._ledger.read(self.keys[max(begin, 0) - before : end])[before:]
            there = [flush for flush in flushes if self._ledger.is_there(flush)]
            new = [flush for flush in there if self._memory.find(flush.first, symbol) is None]
            columns = self._memory.choose_columns() if len(new) <= HELD_FLUSHES_MAX else ()
            self._segments.open_ahead(new, ("book", "feed_events"), (symbol, columns))

    def latest_before(self, place: int) -> int:
        """Return the latest time of the flushes before one: of all, or of the nearest if far."""
        begin = max(place - FAR_FLUSHES, 0) if self._ledger.is_far else 0
        flushes = self._ledger.read(self.keys[begin:place])
        return max((flush.ts_max() for flush in flushes), default=0)

    def place_of(self, first: int) -> int:
        """Return the place of the flush that begins at an event number."""
        return bisect_left(self.keys, first, key=lambda key: key.first)

    def latest(self, first: int, number: int) -> int:
        """Return the latest `ts_recv` before an event number, since the clock was set back.

        Flushes count from the one that begins at `first`. Rows that others wrote later about the
        session (its end, a journal hole) have no time of the session.
        """
        begin = self.place_of(first)
        end = bisect_left(self.keys, number, key=lambda key: key.first)
        steps = [
            row.number
            for place in range(begin, end)
            for row in self.rows(place, None)
            if row.steps_back and row.number < number
        ]
        low = steps[-1] if steps else 0
        begin = max(begin, bisect_right(self.keys, low, key=lambda key: key.first) - 1)
        return max(
            (ts for place in range(begin, end) for ts in self._find_latest(place, low, number)),
            default=0,
        )

    def _find_latest(self, place: int, low: int, high: int) -> Iterator[int]:
        """Yield the latest times of a flush's tables, of rows from low up to high."""
        flush = self.flush(place)
        if flush is None:
            return
        is_plain = not any(row.kind in UNTIMED for row in self.rows(place, None))
        if is_plain and low <= flush.first and flush.last < high:
            yield flush.ts_max()
            return
        feed = self._read_feed(flush)
        behind = sum(row.number >= high for row in feed)
        is_rest = flush.last < high or behind == flush.last - high + 1
        for row in feed:
            if low <= row.number < high and row.kind not in UNTIMED:
                yield row.ts
        for table in flush.tables:
            if table == "feed_events":
                continue
            if low <= flush.first and is_rest:  # all of its rows count
                yield flush.ts_max_of(table)
            else:
                yield from self._find_latest_row(flush, table, low, high)

    def _find_latest_row(self, flush: Flush, table: str, low: int, high: int) -> Iterator[int]:
        segment = self._segments.open(flush, table)
        for group in segment.groups:
            rows = segment.read(group, TIMES)
            numbers = rows["event_number"]
            is_inside = pc.and_(pc.greater_equal(numbers, low), pc.less(numbers, high))
            ts = pc.max(rows["ts_recv"].cast(_INT64).filter(is_inside)).as_py()
            if ts is not None:
                yield ts

    def find_end_row(self) -> Row | None:
        """Return the row that ends the session, or None."""
        while self.look_ahead():
            pass
        rows = self.rows(len(self.keys) - 1, None)
        return next((row for row in rows if row.kind == "session_end"), None)

    def find_last_moment(self) -> int:
        """Return the last time when the session was alive: its end, or its last row."""
        end = self.find_end_row()
        latest = self.latest(0, self.keys[-1].last + 1 if end is None else end.number)
        return latest if end is None or end.detail.reason == KILLED else max(latest, end.ts)

    # --- rows of the feed ---

    def is_polled(self) -> bool:
        """Return whether the session polled its books."""
        if self._is_polled is None:
            while self.look_back():
                pass
            starts = (row for row in self.rows(0, None) if row.kind == "session_start")
            self._is_polled = any(row.detail.transport == POLLED for row in starts)
        return self._is_polled

    def rows(self, place: int, symbol: str | None) -> list[Row]:
        """Return the rows that may end a book: those of the symbol or of no symbol, in order."""
        first = self.keys[place].first
        found = self._feed.get(first)
        if found is None:
            found = {}
            flush = self.flush(place)
            for row in make_rows(self._read_feed(flush) if flush else ()):
                found.setdefault(row.symbol, []).append(row)
            self._feed[first] = found
        rows = found.get(None, [])
        if symbol is not None and symbol in found:
            rows = sorted([*rows, *found[symbol]], key=lambda row: row.number)
        return rows

    def _read_feed(self, flush: Flush) -> list[FeedRow]:
        if "feed_events" not in flush.tables:
            return []
        return read_feed(self._segments.open(flush, "feed_events"))

    # --- rows of the book ---

    def runs(self, place: int, symbol: str) -> list[Run]:
        """Return the runs of a symbol's rows in one flush."""
        return self._find(place, symbol).runs

    def read(
        self, symbol: str, columns: Sequence[str], *, first: int, begin: int, end: int
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield columns of a symbol's rows, with the place of the first row.

        `first` is the first event number of their flush; `begin` and `end` are places among the
        symbol's rows.
        """
        place = self.place_of(first)
        found = self._find(place, symbol)
        flush = self.flush(place)
        assert flush is not None
        segment = self._segments.open(flush, "book")
        offset = 0
        kept = self._memory.find_kept(first, symbol)
        for number, rows in enumerate(found.places):
            if offset < end and offset + rows.count > begin:
                there = kept[number] if kept else pa.table({})
                missing = [name for name in columns if name not in there.column_names]
                table = segment.read_rows(rows, missing) if missing else there
                for name in there.column_names if missing else ():
                    table = table.append_column(there.schema.field(name), there[name])
                yield offset, table.select(list(columns))
            offset += rows.count

    def _find(self, place: int, symbol: str) -> FoundRuns:
        first = self.keys[place].first
        found = self._memory.find(first, symbol)
        if found is None and self.is_for_all:
            self._memory.keep_all(first, self._read_all(place))
            found = self._memory.find(first, symbol)
        if found is None:
            flush = self.flush(place)
            parts: list[tuple[Rows, pa.Table]] = []
            if flush is not None and "book" in flush.tables:
                segment = self._segments.open(flush, "book")
                # Read a small segment once for runs and levels; of many rows that is too much.
                columns = self._memory.choose_columns() if segment.is_at_hand else LIGHT
                parts = list(segment.read_symbol(symbol, columns))
            found = self._make_found(place, symbol, parts)
            self._memory.keep(first, symbol, found)
        return found

    def _read_all(self, place: int) -> dict[str, FoundRuns]:
        """Return the runs of every symbol of a flush, without times, which would be too many."""
        flush = self.flush(place)
        first = self.keys[place].first
        found: dict[str, FoundRuns] = {}
        if flush is None or "book" not in flush.tables:
            return found
        segment = self._segments.open(flush, "book")
        parted = set()
        for group, table in segment.read_all(LIGHT):
            cuts = partial(self._find_cuts, place)
            for symbol, begin, runs in find_all_runs(table, first, cuts):
                if symbol in found:
                    parted.add(symbol)
                found[symbol] = FoundRuns(runs, [Rows(group, begin, runs[-1].end)])
        for symbol in parted:
            parts = list(segment.read_symbol(symbol, LIGHT))
            found[symbol] = self._make_found(place, symbol, parts)._replace(kept=None)
        return found

    def _find_cuts(self, place: int, symbol: str) -> list[int]:
        return [row.number for row in self.rows(place, symbol)]

    def _make_found(
        self, place: int, symbol: str, parts: Sequence[tuple[Rows, pa.Table]]
    ) -> FoundRuns:
        cuts = self._find_cuts(place, symbol)
        tables = [table for _, table in parts]
        first = self.keys[place].first
        runs = find_runs(pa.concat_tables(tables), first, cuts) if tables else []
        return FoundRuns(runs, [rows for rows, _ in parts], [choose_kept(t) for t in tables])
