"""Computes a symbol's figures of a day: events, epochs, delays, the known time of its book."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

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

# The columns to read of each table.
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
T = TypeVar("T")
Cuts = Mapping[str, Sequence[int]]  # session -> event numbers that no run may cross


class SymbolSum(Struct, array_like=True):
    """The sum of one symbol's rows so far; `runs` are its book's, by session."""

    events: dict[str, int] = field(default_factory=dict)  # by table
    rows: dict[str, int] = field(default_factory=dict)  # by table
    runs: dict[str, list[Run]] = field(default_factory=dict)
    late_ms: dict[str, dict[int, int]] = field(default_factory=dict)  # table -> ms -> events
    last: dict[str, dict[int, int]] = field(default_factory=dict)  # session -> revision -> event

    def add(self, table: str, revision: int, rows: pa.Table, cuts: Cuts) -> None:
        """Add rows of one table."""
        _count(self.rows, table, rows.num_rows)
        if table == "book":
            for session, part in _cut_sessions(rows):
                self._add_book(session, part, revision, cuts[session])
            return
        _count(self.events, table, rows.num_rows)
        if table == "trades":
            self._add_offsets("trades", rows)

    @property
    def epochs(self) -> int:
        """Return the number of epochs with rows."""
        return len({(name, run.epoch) for name, runs in self.runs.items() for run in runs})

    def find_offsets(self) -> dict[str, Offsets]:
        """Return the delays of events, for each table with the exchange's times."""
        return {table: _make_offsets(Counter(counts)) for table, counts in self.late_ms.items()}

    def _add_book(self, session: str, rows: pa.Table, revision: int, cuts: Sequence[int]) -> None:
        numbers = rows["event_number"].chunk(0)
        lasts = self.last.setdefault(session, {})
        last = lasts.get(revision)
        is_first = pa.concat_arrays(
            [pa.array([numbers[0].as_py() != last]), pc.not_equal(numbers[1:], numbers[:-1])]
        )
        lasts[revision] = numbers[-1].as_py()
        _count(self.events, "book", pc.sum(is_first).as_py())
        self._add_offsets("book", rows.select(["ts_recv", "ts_event"]).filter(is_first))
        low, high = numbers[0].as_py(), numbers[-1].as_py()
        inside = [cut for cut in cuts if low < cut <= high]
        _append_runs(self.runs.setdefault(session, []), find_runs(rows, 0, inside))

    def _add_offsets(self, table: str, rows: pa.Table) -> None:
        late = pc.subtract(rows["ts_recv"].cast(_INT64), rows["ts_event"].cast(_INT64))
        late = late.drop_null()
        if not len(late):
            return
        ms = pc.floor(pc.divide(late.cast(pa.float64()), float(_MS))).cast(_INT64)
        counted = pc.value_counts(ms)
        pairs = zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True)
        counts = self.late_ms.setdefault(table, {})
        for value, count in pairs:
            _count(counts, value, count)


def make_figures(
    symbol: str,
    found: SymbolSum,
    feed: SymbolFeed,
    coverage: Iterable[Interval],
    *,
    is_holed: bool,
) -> SymbolFigures:
    """Return the figures; `is_holed`: events of a whole session are gone."""
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


def _count(counts: dict[T, int], name: T, more: int) -> None:
    counts[name] = counts.get(name, 0) + more


def _cut_sessions(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    names = rows["session"].chunk(0)
    runs = pc.run_end_encode(names.indices)
    texts = names.dictionary.to_pylist()
    begin = 0
    for code, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield texts[code], rows.slice(begin, end - begin)
        begin = end


def _append_runs(runs: list[Run], found: list[Run]) -> None:
    """Append runs; join the halves of an event that two row groups share."""
    if runs and found and runs[-1].last == found[0].number:
        last, first = runs.pop(), found[0]
        ts_max = max(last.ts_max, first.ts_max)
        found[0] = msgspec.structs.replace(last, last=first.last, ts_max=ts_max)
    runs += found


def _make_offsets(counts: Counter[int]) -> Offsets:
    """Return the quantiles by nearest rank: the least value that covers the share."""
    values = sorted(counts)
    total = counts.total()
    sums = list(accumulate(counts[value] for value in values))

    def find(percent: int) -> int:
        rank = max(-(-total * percent // 100), 1)
        return next(value for value, up_to in zip(values, sums, strict=True) if up_to >= rank)

    return Offsets(total, values[0], find(1), find(50), find(99), values[-1])
