"""The books of one connection: what of them is recorded, and when one is worth nothing."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from heapq import nlargest, nsmallest
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from booktape.ladder import Ladder
from shared.event import Checkpoint, Delta, FeedEvent, Snapshot, feed_event
from shared.feed.board import BookTop
from shared.feed.rows import FeedRows
from shared.feed.sequencer import ACCEPTED, Sequencer, Verdict, first_of

Reason = Literal["gap", "crossed", "mismatch", "malformed", "unknown", "old_snapshot"]


TOP_LEVELS: Final = 10  # a side, of a book that somebody looks at
_INT64: Final = range(-(2**63), 2**63)


class _Entry(Struct):
    symbol: str
    sequencer: Sequencer
    book: Ladder
    is_recorded: bool = False  # there is a snapshot of this epoch on the tape


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
    ) -> None:
        """Start without symbols; a side keeps the best `window` levels, all of them if `None`."""
        self._rows = rows
        self._window = window
        self._resync = resync
        self._entries: dict[str, _Entry] = {}

    def add(self, raw_symbol: str, symbol: str) -> None:
        """Keep a book of this symbol from now on."""
        self._entries[raw_symbol] = _Entry(symbol, Sequencer(), Ladder())

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

    def look(self, symbols: AbstractSet[str]) -> dict[str, BookTop]:
        """Return the best levels of those of these that are on the tape and go on."""
        return {
            entry.symbol: BookTop(
                entry.sequencer.last,
                nlargest(TOP_LEVELS, entry.book.bids.items()),
                nsmallest(TOP_LEVELS, entry.book.asks.items()),
            )
            for entry in self._entries.values()
            if entry.is_recorded and entry.symbol in symbols
        }

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
        elif verdict is Verdict.GAP:
            expected = entry.sequencer.expected
            gap = FeedEvent(
                "gap",
                # Nothing can follow the last of the numbers that the tape can hold.
                sequence_expected=expected if expected in _INT64 else None,
                sequence_received=first_of(delta),
                detail='{"channel":"book"}',
            )
            self._rows.append((ts_recv, entry.symbol, gap))
            self.doubt(delta.raw_symbol, "gap")
        elif verdict is Verdict.UNKNOWN:
            self._resync(delta.raw_symbol, "unknown")
        return verdict

    def doubt(self, raw_symbol: str, reason: Reason) -> None:
        """Lose the book of one symbol and have it begun anew."""
        entry = self._entries[raw_symbol]
        entry.sequencer.lose()
        entry.book = Ladder()
        entry.is_recorded = False
        self._resync(raw_symbol, reason)

    def splice(self, ts_recv: int, snapshot: Snapshot) -> bool:
        """Begin a book at the snapshot that was asked for; return False where it is too old."""
        entry = self._entries[snapshot.raw_symbol]
        held = entry.sequencer.splice(snapshot)
        if held is None:
            return False
        self._begin(entry, ts_recv, snapshot)
        for ts_held, delta in held:
            if entry.is_recorded:
                self._accept(entry, ts_held, delta)
        return True

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

    def _begin(self, entry: _Entry, ts_recv: int, snapshot: Snapshot) -> None:
        entry.book = Ladder()
        entry.book.replace(snapshot.bids, snapshot.asks)
        self._rows.append((ts_recv, entry.symbol, snapshot))
        entry.is_recorded = True
        self._find_crossing(entry, ts_recv, snapshot.raw_symbol)

    def _accept(self, entry: _Entry, ts_recv: int, delta: Delta) -> None:
        book = entry.book
        book.apply(delta.bids, delta.asks)
        if self._window is not None:
            delta = self._narrow(book, delta, self._window)
        self._rows.append((ts_recv, entry.symbol, delta))
        if book.bid_max >= book.ask_min:
            self._find_crossing(entry, ts_recv, delta.raw_symbol)

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
        crossing = entry.book.find_crossing()
        if crossing is None:
            return
        crossed = feed_event("crossed", bid=crossing[0], ask=crossing[1])
        self._rows.append((ts_recv, entry.symbol, crossed))
        self.doubt(raw_symbol, "crossed")

    def _compare(self, entry: _Entry, ts_recv: int, snapshot: Snapshot) -> None:
        if snapshot.sequence is None or entry.sequencer.last != snapshot.sequence:
            return
        other = Ladder()
        other.replace(snapshot.bids, snapshot.asks)
        found = entry.book.find_mismatch(other)
        if found is not None:
            mismatch = feed_event("mismatch", side=found[0], price=found[1])
            self._rows.append((ts_recv, entry.symbol, mismatch))
