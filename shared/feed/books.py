"""Judges the books of one connection: records each change, drops a book that it cannot trust."""

from collections.abc import Callable, Iterator
from typing import Final, Literal

from msgspec import Struct

from booktape.ladder import Comparison, Ladder
from shared.event import Checkpoint, Delta, FeedEvent, Snapshot, feed_event
from shared.feed.audit_rows import mismatch_event
from shared.feed.prices import has_twice, keep_last
from shared.feed.rows import FeedRows
from shared.feed.sequencer import ACCEPTED, Sequencer, Verdict, first_of
from shared.feed.window import narrow

Reason = Literal["gap", "mismatch", "malformed", "unknown", "stale", "trading"]
Watcher = Callable[[int, Delta], None]

OLD_SNAPSHOTS_MAX: Final = 3  # in a row: then the exchange's numbers have begun anew
CROSSED_ROWS_NS: Final = 60_000_000_000  # between two rows of one crossed book
_INT64: Final = range(-(2**63), 2**63)


class _Entry(Struct):
    symbol: str
    sequencer: Sequencer
    book: Ladder
    watchers: tuple[Watcher, ...] = ()  # each is called after each delta of the book
    is_recorded: bool = False  # the tape has the snapshot of this epoch
    ts_begun: int = 0  # the time of that snapshot
    depth_begun: int = 0  # levels of its larger side
    old: int = 0  # snapshots in a row that were too old
    refused: Snapshot | None = None  # the last of them
    expected: int | None = None  # the number due next when it was refused
    crossed: int = 0  # events that left the book crossed, since the last `crossed` row
    ts_crossed: int | None = None  # of that row


class Books:
    """Judges every book event of one connection and records those that continue their book.

    Records go to `rows`. `resync` is called with each raw symbol that needs a new snapshot, and
    the reason. The recorder's thread owns the books.
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
        self._live: set[str] = set()  # our symbols of the recorded entries

    def on_crossed(self, crossed: Callable[[str], None]) -> None:
        """Call `crossed` with the raw symbol of each `crossed` row."""
        self._crossed = crossed

    def add(self, raw_symbol: str, symbol: str) -> None:
        """Keep a book of this symbol from now on."""
        sequencer = Sequencer(overtaken_max=self._overtaken_max)
        self._entries[raw_symbol] = _Entry(symbol, sequencer, Ladder())

    def remove(self, raw_symbol: str) -> bool:
        """Drop the book; return whether it was live."""
        entry = self._entries.pop(raw_symbol, None)
        if entry is None or not entry.is_recorded:
            return False
        self._live.remove(entry.symbol)
        return True

    def clear(self) -> None:
        """Drop all books: the connection is gone."""
        self._entries.clear()
        self._live.clear()

    def hold_deltas(self, raw_symbol: str) -> None:
        """Hold the deltas from now on, until the requested snapshot comes."""
        self._entries[raw_symbol].sequencer.hold_deltas()

    def live(self) -> set[str]:
        """Return our symbols whose books are on the tape and go on."""
        return set(self._live)

    def is_live(self, raw_symbol: str) -> bool:
        """Return whether the book is on the tape and deltas can continue it."""
        entry = self._entries.get(raw_symbol)
        return entry is not None and entry.is_recorded and entry.sequencer.is_live

    def find(self, raw_symbol: str) -> Ladder | None:
        """Return the levels of a book on the tape; the caller reads them and keeps nothing."""
        entry = self._entries.get(raw_symbol)
        return entry.book if entry is not None and entry.is_recorded else None

    def measure(self) -> Iterator[tuple[str, int, int]]:
        """Yield each raw symbol, its levels gained since the snapshot, its count of held deltas."""
        for raw, e in self._entries.items():
            yield raw, e.book.depth - e.depth_begun, e.sequencer.held

    def forget_held(self, raw_symbol: str) -> None:
        """Forget the held deltas; hold new ones."""
        self._entries[raw_symbol].sequencer.forget_held()

    def find_edges(self) -> list[str]:
        """Return the raw symbols whose books go deeper than the levels that we know."""
        return [raw for raw, e in self._entries.items() if e.is_recorded and e.book.has_edge]

    def last(self, raw_symbol: str) -> int | None:
        """Return the current sequence of the book."""
        return self._entries[raw_symbol].sequencer.last

    def begun(self, raw_symbol: str) -> int:
        """Return the receive time of the snapshot that began the book."""
        return self._entries[raw_symbol].ts_begun

    def touch(self, raw_symbol: str, ts: int, *, older_ns: int) -> tuple[float, float] | None:
        """Return a book's best prices; `None` if it is crossed, or younger than `older_ns`."""
        entry = self._entries.get(raw_symbol)
        if entry is None or not entry.is_recorded or 0 <= ts - entry.ts_begun < older_ns:
            return None
        touch = entry.book.find_touch()
        return touch if touch[0] < touch[1] else None

    def watch(self, raw_symbol: str, watcher: Watcher) -> None:
        """Call `watcher` after each delta of this book, with the time and the delta."""
        self._entries[raw_symbol].watchers += (watcher,)

    def unwatch(self, raw_symbol: str, watcher: Watcher) -> None:
        """Stop calling `watcher`."""
        entry = self._entries.get(raw_symbol)
        if entry is not None:
            entry.watchers = tuple(one for one in entry.watchers if one != watcher)

    def delta(self, ts_recv: int, delta: Delta) -> Verdict | None:
        """Judge one delta; record it, hold it, drop it, or lose the book.

        Return the verdict, or `None` where we keep no book of the symbol.
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
            # The snapshot was not too old: the exchange's numbers have begun anew.
            self.begin_anew(ts_recv, entry.refused)
            entry.sequencer.judge(ts_recv, delta)
            self._accept(entry, ts_recv, delta)
        return verdict

    def doubt(self, raw_symbol: str, reason: Reason, newest: int | None = None) -> None:
        """Drop a symbol's book and request a new one; `newest` is the number that broke it."""
        self.lose(raw_symbol, newest=newest)
        self._resync(raw_symbol, reason)

    def lose(self, raw_symbol: str, *, newest: int | None = None) -> None:
        """Drop the levels of one symbol; wait for a new snapshot."""
        entry = self._entries[raw_symbol]
        entry.sequencer.lose(newest)
        entry.book = Ladder()
        entry.is_recorded = False
        self._live.discard(entry.symbol)
        entry.watchers = ()

    def splice(self, ts_recv: int, snapshot: Snapshot) -> bool:
        """Begin a book at the requested snapshot; return False if the snapshot is too old.

        `OLD_SNAPSHOTS_MAX` old ones in a row prove that the exchange's numbers have begun anew.
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
        """Record a gap, and begin a book at a lower number: the exchange's numbers began anew."""
        assert snapshot.sequence is not None
        entry = self._entries[snapshot.raw_symbol]
        expected = entry.sequencer.expected if entry.refused is None else entry.expected
        self._note_gap(ts_recv, entry.symbol, expected, snapshot.sequence)
        entry.sequencer.begin(snapshot.sequence)
        self._begin(entry, ts_recv, snapshot)

    def _note_gap(self, ts_recv: int, symbol: str, expected: int | None, received: int) -> None:
        """Record a gap between the expected number and the received one."""
        gap = FeedEvent(
            "gap",
            # The tape holds 64-bit numbers: after the last of them none can be expected.
            sequence_expected=expected if expected in _INT64 else None,
            sequence_received=received,
            detail='{"channel":"book"}',
        )
        self._rows.append((ts_recv, symbol, gap))

    def replace(self, ts_recv: int, snapshot: Snapshot) -> None:
        """Begin a book at a snapshot that came unrequested, in mid-stream or by polling."""
        entry = self._entries[snapshot.raw_symbol]
        self._compare(entry, ts_recv, snapshot)
        entry.sequencer.begin(snapshot.sequence)
        self._begin(entry, ts_recv, snapshot)

    def checkpoint(self, ts: int, raw_symbol: str) -> None:
        """Record the book as a checkpoint, if it is live."""
        entry = self._entries.get(raw_symbol)
        if entry and entry.is_recorded and entry.sequencer.is_live:
            bids, asks = list(entry.book.bids.items()), list(entry.book.asks.items())
            checkpoint = Checkpoint(raw_symbol, bids, asks, entry.sequencer.last)
            self._rows.append((ts, entry.symbol, checkpoint))

    def compare(self, snapshot: Snapshot) -> Comparison:
        """Compare our book with the exchange's at the same number, as deep as both go."""
        other = Ladder()
        other.replace(snapshot.bids, snapshot.asks, self._depth)
        return self._entries[snapshot.raw_symbol].book.compare(other)

    def renew(self, ts_recv: int, snapshot: Snapshot) -> None:
        """Begin a new epoch at the book's current number, without a gap."""
        entry = self._entries[snapshot.raw_symbol]
        assert entry.sequencer.last == snapshot.sequence
        self._begin(entry, ts_recv, snapshot)

    def _begin(self, entry: _Entry, ts_recv: int, snapshot: Snapshot) -> None:
        snapshot = keep_last(snapshot)
        entry.book.replace(snapshot.bids, snapshot.asks, self._depth)
        self._rows.append((ts_recv, entry.symbol, snapshot))
        entry.is_recorded, entry.ts_begun, entry.depth_begun = True, ts_recv, entry.book.depth
        self._live.add(entry.symbol)
        entry.old, entry.refused = 0, None
        self._find_crossing(entry, ts_recv, snapshot.raw_symbol)

    def _accept(self, entry: _Entry, ts_recv: int, delta: Delta) -> None:
        bids, asks = delta.bids, delta.asks
        may_be_crossed = entry.book.apply(bids, asks)
        if (len(bids) > 1 and has_twice(bids)) or (len(asks) > 1 and has_twice(asks)):
            delta = keep_last(delta)
        if self._window is not None:
            delta = narrow(entry.book, delta, self._window)
        self._rows.append((ts_recv, entry.symbol, delta))
        if may_be_crossed:
            self._find_crossing(entry, ts_recv, delta.raw_symbol)
        for watch in entry.watchers:
            watch(ts_recv, delta)

    def _find_crossing(self, entry: _Entry, ts_recv: int, raw_symbol: str) -> None:
        """Record that a book is crossed, once a minute, with a count; keep recording the book."""
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
