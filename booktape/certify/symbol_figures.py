"""Computes a symbol's figures of a day: events, epochs, delays, when its book is known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from booktape.books.coverage import Interval
from booktape.books.runs import find_runs
from booktape.books.spans import Run
from booktape.certificate import (
    AVAILABLE,
    DEGRADED,
    CertifiedGap,
    Offsets,
    SymbolFigures,
)
from booktape.certify.feed import SymbolFeed
from booktape.certify.symbol_rows import Part

# What is read of each table.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "book": (
        *("ts_recv", "session", "event_number", "ts_event"),
        *("epoch", "is_snapshot", "is_checkpoint"),
    ),
    "trades": ("ts_recv", "ts_event"),
    "ticker": (),
    "instruments": (),
    "feed_events": (),
}
KNOWN_SHARE_MIN: Final = 0.999  # of the time between a book's first and last moment
_INT64: Final = pa.int64()
_MS: Final = 1000  # µs
Cuts = Mapping[str, Sequence[int]]  # session -> event numbers over which no run may reach


class SymbolSum:
    """One symbol while its rows are read; `runs` are those of its book, by session."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.runs: dict[str, list[Run]] = defaultdict(list)
        self._offsets: dict[str, Counter[int]] = defaultdict(Counter)
        self._last: dict[tuple[str, int], int] = {}

    def add(self, part: Part, cuts: Cuts) -> None:
        """Add rows of one table."""
        self.rows[part.table] += part.rows.num_rows
        if part.table == "book":
            for session, rows in _cut_sessions(part.rows):
                self._add_book(session, rows, part.revision, cuts[session])
            return
        self.events[part.table] += part.rows.num_rows
        if part.table == "trades":
            self._add_offsets("trades", part.rows)

    @property
    def epochs(self) -> int:
        """Return how many epochs have rows."""
        return len({(name, run.epoch) for name, runs in self.runs.items() for run in runs})

    def find_offsets(self) -> dict[str, Offsets]:
        """Return how late events came, of each table that has the exchange's times."""
        return {table: _make_offsets(counts) for table, counts in self._offsets.items() if counts}

    def _add_book(self, session: str, rows: pa.Table, revision: int, cuts: Sequence[int]) -> None:
        numbers = rows["event_number"].combine_chunks()
        last = self._last.get((session, revision))
        is_first = pa.concat_arrays(
            [pa.array([numbers[0].as_py() != last]), pc.not_equal(numbers[1:], numbers[:-1])]
        )
        self._last[session, revision] = numbers[-1].as_py()
        self.events["book"] += pc.sum(is_first).as_py()
        self._add_offsets("book", rows.select(["ts_recv", "ts_event"]).filter(is_first))
        low, high = numbers[0].as_py(), numbers[-1].as_py()
        inside = [cut for cut in cuts if low < cut <= high]
        _append_runs(self.runs[session], find_runs(rows, 0, inside))

    def _add_offsets(self, table: str, rows: pa.Table) -> None:
        late = pc.subtract(rows["ts_recv"].cast(_INT64), rows["ts_event"].cast(_INT64))
        late = late.drop_null()
        if not len(late):
            return
        ms = pc.floor(pc.divide(late.cast(pa.float64()), float(_MS))).cast(_INT64)
        counted = pc.value_counts(ms)
        pairs = zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True)
        self._offsets[table].update(dict(pairs))


def make_figures(
    symbol: str,
    found: SymbolSum,
    feed: SymbolFeed,
    coverage: Iterable[Interval],
    *,
    is_holed: bool,
) -> SymbolFigures:
    """Return the figures; a day `is_holed` where events of a whole session are gone."""
    intervals = list(coverage)
    known = [one for one in intervals if one.is_whole]
    start, end = (known[0].start, known[-1].end) if known else (None, None)
    known_us = sum(one.end - one.start for one in known)
    is_known = start is None or end is None or known_us >= KNOWN_SHARE_MIN * (end - start)
    is_sound = is_known and not (is_holed or feed.mismatches or feed.trades_lost)
    events = dict(found.events)
    if feed.events:
        events["feed_events"] = feed.events
    counts = {
        name: value for name, value in msgspec.structs.asdict(feed).items() if name != "events"
    }
    return SymbolFigures(
        symbol=symbol,
        condition=AVAILABLE if is_sound else DEGRADED,
        events=dict(sorted(events.items())),
        rows=dict(sorted(found.rows.items())),
        epochs=found.epochs,
        book_start=start,
        book_end=end,
        known_us=known_us,
        gaps=[
            CertifiedGap(one.start, one.end, one.cause, one.detail)
            for one in intervals
            if not one.is_whole
        ],
        offsets=found.find_offsets(),
        **counts,
    )


def _cut_sessions(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    names = rows["session"].combine_chunks()
    runs = pc.run_end_encode(names.indices)
    texts = names.dictionary.to_pylist()
    begin = 0
    for code, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield texts[code], rows.slice(begin, end - begin)
        begin = end


def _append_runs(runs: list[Run], found: list[Run]) -> None:
    """Append runs; an event that two row groups share stays one."""
    if runs and found and runs[-1].last == found[0].number:
        last, first = runs.pop(), found[0]
        ts_max = max(last.ts_max, first.ts_max)
        found[0] = msgspec.structs.replace(last, last=first.last, ts_max=ts_max)
    runs += found


def _make_offsets(counts: Counter[int]) -> Offsets:
    """Return the quantiles by nearest rank: the least value that so many are not above."""
    values = sorted(counts)
    total = counts.total()
    sums = list(accumulate(counts[value] for value in values))

    def find(percent: int) -> int:
        rank = max(-(-total * percent // 100), 1)
        return next(value for value, up_to in zip(values, sums, strict=True) if up_to >= rank)

    return Offsets(total, values[0], find(1), find(50), find(99), values[-1])
