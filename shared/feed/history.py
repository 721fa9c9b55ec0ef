"""The history of one book, some seconds long, to compare the exchange's own book with."""

from collections.abc import Iterator
from typing import Final

from booktape.ladder import Comparison, Ladder
from shared.event import Delta, Snapshot

NEAR_NS: Final = 3_000_000_000  # before an answer and after it
# BtcTurk writes sizes with 8 decimals over REST, with up to 12 over the socket:
# https://github.com/BTCTrader/broker-api-docs
SLACK: Final = 1.1e-8


class History:
    """A book's state at one moment and its changes since; the recorder's thread owns it."""

    def __init__(self, book: Ladder, last: int | None, ts: int, depth: int | None) -> None:
        """Begin with the book's current state, at number `last`.

        Answers of the exchange have at most `depth` levels a side.
        """
        self._base = _copy(book, None)
        self._base.bid_edge, self._base.ask_edge = book.bid_edge, book.ask_edge
        self._last = last
        self._ts = ts
        self._depth = depth
        self._changes: list[tuple[int, Delta]] = []

    def __len__(self) -> int:
        """Return the number of changes."""
        return len(self._changes)

    def note(self, ts: int, delta: Delta) -> None:
        """Take note of a change."""
        self._changes.append((ts, delta))

    def compare_all(self, ts: int, snapshot: Snapshot) -> Iterator[Comparison]:
        """Compare an answer with each state that our book had around its time `ts`."""
        theirs = self._ladder(snapshot)
        begin, end = ts - NEAR_NS, ts + NEAR_NS
        ours = _copy(self._base, None)
        untils = [ts for ts, _ in self._changes]
        for place, until in enumerate([*untils, None]):
            since = untils[place - 1] if place else self._ts
            if place:
                change = self._changes[place - 1][1]
                ours.apply(change.bids, change.asks)
            # The last state is the current one: it always counts, even if the clock was set.
            if until is None or (until >= begin and since <= end):
                yield _copy(ours, self._depth).compare(theirs, SLACK)

    def compare_at(self, snapshot: Snapshot) -> Iterator[Comparison]:
        """Compare an answer with our book at the answer's number, if our book ever had it.

        If that number lies inside one change's range, leave out the levels that the change names:
        nobody knows their sizes at that number.
        """
        theirs, number, last = self._ladder(snapshot), snapshot.sequence, self._last
        ours = _copy(self._base, None)
        ours.bid_edge, ours.ask_edge = self._base.bid_edge, self._base.ask_edge
        if number is None or last is None or number < last:
            return
        for _, change in self._changes:
            if last == number:
                break
            last = change.sequence
            if last <= number:
                ours.apply(change.bids, change.asks)
                continue
            for one in (ours, theirs):
                for levels, named in ((one.bids, change.bids), (one.asks, change.asks)):
                    for price, _ in named:
                        levels.pop(price, None)
            last = number
        if last == number:
            yield ours.compare(theirs, SLACK)

    def _ladder(self, snapshot: Snapshot) -> Ladder:
        ladder = Ladder()
        ladder.replace(snapshot.bids, snapshot.asks, self._depth)
        return ladder


def _copy(ladder: Ladder, depth: int | None) -> Ladder:
    """Return a copy of a ladder, whose levels are known down to `depth`."""
    copy = Ladder()
    copy.replace(list(ladder.bids.items()), list(ladder.asks.items()), depth)
    return copy
