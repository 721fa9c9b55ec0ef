"""Judges the books of one connection: records each change, drops a book that is worth nothing."""

from collections.abc import Callable, Iterator
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from booktape.ladder import Comparison, Ladder
from shared.event import Checkpoint, Delta, FeedEvent, Snapshot, feed_event
from shared.feed.audit_rows import mismatch_event
from shared.feed.prices import has_twice, keep_last
from shared.feed.rows import FeedRows
from shared.feed.sequencer import ACCEPTED, Sequencer, Verdict, first_of

Reason = Literal["gap", "mismatch", "malformed", "unknown", "stale", "trading"]
Watcher = Callable[[int, Delta], None]

OLD_SNAPSHOTS_MAX: Final = 3  # in a row: then it is the exchange's numbers that have begun anew
CROSSED_ROWS_NS: Final = 60_000_000_000  # between two rows of one crossed book
_INT64: Final = range(-(2**63), 2**63)


class _Entry(Struct):
    symbol: str
    sequencer: Sequencer
    book: Ladder
    watchers: tuple[Watcher, ...] = ()  # called after each delta; beside what else it looks at
    is_recorded: bool = False  # there is a snapshot of this epoch on the tape
    ts_begun: int = 0  # when that came
    depth_begun: int = 0  # levels of its larger side
    old: int = 0  # snapshots in a row that were too old
    refused: Snapshot | None = None  # the last of them
    expected: int | None = None  # the number that was to come when it was refused
    crossed: int = 0  # events that left the book crossed, since the last row that says so
    ts_crossed: int | None = None  # of that row


class Books:
    """Judges every book event of one connection and records those that continue their book.

    They go to `rows`; `resync` is called with a raw symbol that needs a new snapshot, and why.
    The recorder's thread owns them.
    """

    def __init__(
        self,
        rows: FeedRows,
        resync: Callable[[str, Reason], None],
        *,
        window: int | None = None,
        depth: int | None = None,
        overtaken_max: int = 0,
    ) -> None:
        """Start without symbols; a side keeps the best `window` levels, all of them if `None`.

        A snapshot has at most `depth` levels a side, and may overtake `overtaken_max` deltas.
        """
        self._overtaken_max = overtaken_max
        self._rows = rows
        self._window = window
        self._depth = depth
        self._resync = resync
        self._crossed: Callable[[str], None] | None = None
        self._entries: dict[str, _Entry] = {}

    def on_crossed(self, crossed: Callable[[str], None]) -> None:
        """Call `crossed` with each raw symbol of which a row says that its book is crossed."""
        self._crossed = crossed

    def add(self, raw_symbol: str, symbol: str) -> None:
        """Keep a book of this symbol from now on."""
        sequencer = Sequencer(overtaken_max=self._overtaken_max)
        self._entries[raw_symbol] = _Entry(symbol, sequencer, Ladder())

    def remove(self, raw_symbol: str) -> bool:
        """Keep it no longer; return whether it was on the tape and went on."""
        entry = self._entries.pop(raw_symbol, None)
        return entry is not None and entry.is_recorded

    def clear(self) -> None:
        """Keep none: the connection is gone."""
        self._entries.clear()

    def hold_deltas(self, raw_symbol: str) -> None:
        """Hold the deltas from now on: a snapshot was asked for."""
        self._entries[raw_symbol].sequencer.hold_deltas()

    def live(self) -> set[str]:
        """Return the symbols whose books are on the tape and go on."""
        return {entry.symbol for entry in self._entries.values() if entry.is_recorded}

    def is_live(self, raw_symbol: str) -> bool:
        """Return whether the book is on the tape and can be continued."""
        entry = self._entries.get(raw_symbol)
        return entry is not None and entry.is_recorded and entry.sequencer.is_live

    def find(self, raw_symbol: str) -> Ladder | None:
        """Return a live book's levels, to be read and not kept."""
        entry = self._entries.get(raw_symbol)
        return entry.book if entry is not None and entry.is_recorded else None

    def measure(self) -> Iterator[tuple[str, int, int]]:
        """Yield of each raw symbol the levels gained since its snapshot, and the deltas held."""
        for raw, e in self._entries.items():
            yield raw, e.book.depth - e.depth_begun, e.sequencer.held

    def forget_held(self, raw_symbol: str) -> None:
        """Forget the deltas that wait for a snapshot, and hold those that come."""
        self._entries[raw_symbol].sequencer.forget_held()

    def find_edges(self) -> list[str]:
        """Return the raw symbols of the books of which more lies behind what is known."""
        return [raw for raw, e in self._entries.items() if e.is_recorded and e.book.has_edge]

    def last(self, raw_symbol: str) -> int | None:
        """Return the sequence of the book as it stands."""
        return self._entries[raw_symbol].sequencer.last

    def begun(self, raw_symbol: str) -> int:
        """Return when the snapshot came that the book goes on from."""
        return self._entries[raw_symbol].ts_begun

    def touch(self, raw_symbol: str, ts: int, *, older_ns: int) -> tuple[float, float] | None:
        """Return the best prices of a live book; `None` where it is crossed or younger."""
        entry = self._entries.get(raw_symbol)
        if entry is None or not entry.is_recorded or 0 <= ts - entry.ts_begun < older_ns:
            return None
        touch = entry.book.find_touch()
        return touch if touch[0] < touch[1] else None

    def watch(self, raw_symbol: str, watcher: Watcher) -> None:
        """Call `watcher` after each delta of this book, with the time and the delta."""
        self._entries[raw_symbol].watchers += (watcher,)

    def unwatch(self, raw_symbol: str, watcher: Watcher) -> None:
        """Call it no longer."""
        entry = self._entries.get(raw_symbol)
        if entry is not None:
            entry.watchers = tuple(one for one in entry.watchers if one != watcher)

    def delta(self, ts_recv: int, delta: Delta) -> Verdict | None:
        """Judge one delta; record it, hold it, drop it, or lose the book.

        Return the verdict, or `None` where no book of the symbol is kept.
        """
        entry = self._entries.get(delta.raw_symbol)
        if entry is None:
            return None
        verdict = entry.sequencer.judge(ts_recv, delta)
        if verdict is ACCEPTED:
            self._accept(entry, ts_recv, delta)
        elif verdict is Verdict.JOINING:
            self._accept(entry, ts_recv, entry.sequencer.join(delta))
        elif verdict is Verdict.GAP:
            self._note_gap(ts_recv, entry.symbol, entry.sequencer.expected, first_of(delta))
            self.doubt(delta.raw_symbol, "gap", delta.sequence)
        elif verdict is Verdict.UNKNOWN:
            self._resync(delta.raw_symbol, "unknown")
        elif entry.refused is not None and entry.refused.sequence == first_of(delta) - 1:
            # It was not too old: it is the exchange's numbers that have begun anew.
            self.begin_anew(ts_recv, entry.refused)
            entry.sequencer.judge(ts_recv, delta)
            self._accept(entry, ts_recv, delta)
        return verdict

    def doubt(self, raw_symbol: str, reason: Reason, newest: int | None = None) -> None:
        """Lose the book of one symbol and have it begun anew; `newest` is what broke it."""
        self.lose(raw_symbol, newest=newest)
        self._resync(raw_symbol, reason)

    def lose(self, raw_symbol: str, *, newest: int | None = None) -> None:
        """Lose the book of one symbol."""
        entry = self._entries[raw_symbol]
        entry.sequencer.lose(newest)
        entry.book = Ladder()
        entry.is_recorded = False
        entry.watchers = ()

    def splice(self, ts_recv: int, snapshot: Snapshot) -> bool:
        """Begin a book at the snapshot that was asked for; return False where it is too old.

        Where all are, one after the other, it is the exchange's numbers that have begun anew.
        """
        entry = self._entries[snapshot.raw_symbol]
        held = entry.sequencer.splice(snapshot)
        if held is not None:
            self._begin(entry, ts_recv, snapshot)
            for ts_held, delta in held:
                self._accept(entry, ts_held, delta)
            return True
        entry.old += 1
        entry.refused = snapshot
        entry.expected = None if entry.sequencer.seen is None else entry.sequencer.seen + 1
        if entry.old < OLD_SNAPSHOTS_MAX:
            return False
        self.begin_anew(ts_recv, snapshot)
        return True

    def begin_anew(self, ts_recv: int, snapshot: Snapshot) -> None:
        """Begin a book at a snapshot of a lower number: a gap, the numbers have begun anew."""
        assert snapshot.sequence is not None
        entry = self._entries[snapshot.raw_symbol]
        expected = entry.sequencer.expected if entry.refused is None else entry.expected
        self._note_gap(ts_recv, entry.symbol, expected, snapshot.sequence)
        entry.sequencer.begin(snapshot.sequence)
        self._begin(entry, ts_recv, snapshot)

    def _note_gap(self, ts_recv: int, symbol: str, expected: int | None, received: int) -> None:
        """Record that a number came which is not the next one."""
        gap = FeedEvent(
            "gap",
            # Nothing can follow the last of the numbers that the tape can hold.
            sequence_expected=expected if expected in _INT64 else None,
            sequence_received=received,
            detail='{"channel":"book"}',
        )
        self._rows.append((ts_recv, symbol, gap))

    def replace(self, ts_recv: int, snapshot: Snapshot) -> None:
        """Begin a book at a snapshot that came by itself, in mid-stream or by polling."""
        entry = self._entries[snapshot.raw_symbol]
        self._compare(entry, ts_recv, snapshot)
        entry.sequencer.begin(snapshot.sequence)
        self._begin(entry, ts_recv, snapshot)

    def checkpoint(self, ts: int, raw_symbol: str) -> None:
        """Record the book as it stands, if it is live."""
        entry = self._entries.get(raw_symbol)
        if entry and entry.is_recorded and entry.sequencer.is_live:
            bids, asks = list(entry.book.bids.items()), list(entry.book.asks.items())
            checkpoint = Checkpoint(raw_symbol, bids, asks, entry.sequencer.last)
            self._rows.append((ts, entry.symbol, checkpoint))

    def compare(self, snapshot: Snapshot) -> Comparison:
        """Compare a book with the exchange's at the same number, as deep as both are known."""
        other = Ladder()
        other.replace(snapshot.bids, snapshot.asks, self._depth)
        return self._entries[snapshot.raw_symbol].book.compare(other)

    def renew(self, ts_recv: int, snapshot: Snapshot) -> None:
        """Begin a new epoch at the number at which the book stands: it goes on from there."""
        entry = self._entries[snapshot.raw_symbol]
        assert entry.sequencer.last == snapshot.sequence
        self._begin(entry, ts_recv, snapshot)

    def _begin(self, entry: _Entry, ts_recv: int, snapshot: Snapshot) -> None:
        snapshot = keep_last(snapshot)
        entry.book.replace(snapshot.bids, snapshot.asks, self._depth)
        self._rows.append((ts_recv, entry.symbol, snapshot))
        entry.is_recorded, entry.ts_begun, entry.depth_begun = True, ts_recv, entry.book.depth
        entry.old, entry.refused = 0, None
        self._find_crossing(entry, ts_recv, snapshot.raw_symbol)

    def _accept(self, entry: _Entry, ts_recv: int, delta: Delta) -> None:
        bids, asks = delta.bids, delta.asks
        may_be_crossed = entry.book.apply(bids, asks)
        if (len(bids) > 1 and has_twice(bids)) or (len(asks) > 1 and has_twice(asks)):
            delta = keep_last(delta)
        if self._window is not None:
            delta = self._narrow(entry.book, delta, self._window)
        self._rows.append((ts_recv, entry.symbol, delta))
        if may_be_crossed:
            self._find_crossing(entry, ts_recv, delta.raw_symbol)
        for watch in entry.watchers:
            watch(ts_recv, delta)

    @staticmethod
    def _narrow(book: Ladder, delta: Delta, window: int) -> Delta:
        """Return the delta with the end of each level that it pushes out of the window.

        The exchange does not say it, and a reader of the tape could not know.
        """
        bids, asks = book.cut_to(window)
        if not bids and not asks:
            return delta
        gone = [(price, 0.0) for price in bids], [(price, 0.0) for price in asks]
        return replace(delta, bids=[*delta.bids, *gone[0]], asks=[*delta.asks, *gone[1]])

    def _find_crossing(self, entry: _Entry, ts_recv: int, raw_symbol: str) -> None:
        """Record that a book is crossed, once a minute with how often; storing goes on."""
        crossing = entry.book.find_crossing()
        if crossing is None:
            return
        entry.crossed += 1
        since = entry.ts_crossed
        if since is not None and abs(ts_recv - since) < CROSSED_ROWS_NS:
            return
        crossed = feed_event("crossed", bid=crossing[0], ask=crossing[1], count=entry.crossed)
        self._rows.append((ts_recv, entry.symbol, crossed))
        entry.crossed, entry.ts_crossed = 0, ts_recv
        if self._crossed is not None:
            self._crossed(raw_symbol)

    def _compare(self, entry: _Entry, ts_recv: int, snapshot: Snapshot) -> None:
        if snapshot.sequence is None or entry.sequencer.last != snapshot.sequence:
            return
        found = self.compare(snapshot)
        if found.first is not None:
            self._rows.append((ts_recv, entry.symbol, mismatch_event(found)))
