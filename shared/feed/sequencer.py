"""The sequencer judges by its sequence whether a delta continues its book.

The rule: a book starts at a snapshot of sequence S. The book drops those deltas up to S that came
while the snapshot was on its way. The first remaining delta must follow S, and each later one its
predecessor. A delta names the number that it follows; if it names none, it follows its own
sequence less one. A first delta whose range contains S follows S as well, because its sizes are
those at the end of its range. Any other number, higher or lower, is a gap: the book is worthless
until the next snapshot.

A new request forgets no number seen before: a snapshot below the newest number seen is too old,
unless the held deltas continue it. A delta that comes after the snapshot, with a lower number, is
stale only if it continues the numbers seen before; any other lower number is a restart. But a
snapshot over REST may overtake deltas that we have not seen.
"""

from enum import Enum, auto
from typing import Final

from msgspec.structs import replace

from shared.event import Delta, Snapshot

HELD_DELTAS_MAX: Final = 4096  # of one symbol, until its snapshot comes: minutes at 10 a second


class Verdict(Enum):
    """The verdict on a delta by its sequence."""

    ACCEPTED = auto()  # it continues the book
    JOINING = auto()  # its range begins before the snapshot, and ends after it: `join` it
    STALE = auto()  # the snapshot contains it already
    HELD = auto()  # it waits for the snapshot that is on its way
    UNKNOWN = auto()  # we have no book, and no request for one
    GAP = auto()  # a delta before it is missing


# To look up a member in its class takes as long as the rest of the judgement.
ACCEPTED = Verdict.ACCEPTED
BOOKLESS: Final = (Verdict.UNKNOWN, Verdict.HELD)  # no set: each look into a set is a call


def first_of(delta: Delta) -> int:
    """Return the first number of a delta's range: the delta follows the number before it."""
    return delta.sequence if delta.previous is None else delta.previous + 1


class Sequencer:
    """Judges whether each delta of one symbol continues the book."""

    __slots__ = ("_has_fallen", "_held", "_overtaken_max", "expected", "seen")

    def __init__(self, *, overtaken_max: int = 0) -> None:
        """Start without a book; a snapshot may overtake up to `overtaken_max` unseen deltas."""
        self._overtaken_max = overtaken_max
        self.expected: int | None = None  # the first number that the book lacks
        self._held: list[tuple[int, Delta]] | None = None
        # The newest number that came without a book, or that its snapshot has overtaken.
        self.seen: int | None = None
        self._has_fallen = False  # whether the numbers fell since the last book

    @property
    def is_live(self) -> bool:
        """Return whether we have a book that deltas can continue."""
        return self.expected is not None

    @property
    def last(self) -> int | None:
        """Return the current sequence of the book."""
        return None if self.expected is None else self.expected - 1

    def lose(self, newest: int | None = None) -> None:
        """Forget the book: a gap, a disconnect, a doubt; `newest` is the number that broke it."""
        if self.expected is not None:
            self.seen = self.last
        if newest is not None:
            self._see(newest)
        self.expected = None
        self._held = None

    def hold_deltas(self) -> None:
        """Hold deltas from now on, until the requested snapshot comes; keep those held before."""
        if self._held is None:
            self._held = []

    @property
    def held(self) -> int:
        """Return how many deltas wait for the snapshot."""
        return len(self._held or ())

    def forget_held(self) -> None:
        """Forget the held deltas; hold new ones."""
        assert self._held is not None
        self._held.clear()

    def judge(self, ts_recv: int, delta: Delta) -> Verdict:
        """Return the verdict on a delta; an accepted one becomes the book's last."""
        first = delta.sequence if delta.previous is None else delta.previous + 1
        if first == self.expected:
            self.expected = delta.sequence + 1
            self.seen = None
            return ACCEPTED
        if self.expected is None:
            return self._hold_delta(ts_recv, delta)
        if self.seen is None:
            return Verdict.GAP
        is_first = self.seen == self.last  # no delta seen yet, before or since the snapshot
        goes_on = first == self.seen + 1
        if delta.sequence < self.expected:
            width = delta.sequence - first + 1
            is_near = delta.sequence >= self.expected - self._overtaken_max * width
            if not goes_on and not (is_first and is_near):
                return Verdict.GAP
            self.seen = None if delta.sequence == self.last else delta.sequence
            return Verdict.STALE
        is_reaching = first < self.expected and (goes_on or is_first)
        return Verdict.JOINING if is_reaching else Verdict.GAP

    def join(self, delta: Delta) -> Delta:
        """Continue the book by a delta that began before it; return the delta as its follower."""
        assert self.expected is not None
        joined = _follow(delta, self.expected - 1)
        self.expected = delta.sequence + 1
        self.seen = None
        return joined

    def _hold_delta(self, ts_recv: int, delta: Delta) -> Verdict:
        self._see(delta.sequence)
        held = self._held
        if held is None:
            return Verdict.UNKNOWN
        is_chain = bool(held) and first_of(delta) == held[-1][1].sequence + 1
        if not is_chain or len(held) == HELD_DELTAS_MAX:
            held.clear()  # only an unbroken run up to the newest delta can be spliced
        held.append((ts_recv, delta))
        return Verdict.HELD

    def _see(self, sequence: int) -> None:
        if self.seen is not None and sequence < self.seen:
            self._has_fallen = True
        self.seen = sequence

    def splice(self, snapshot: Snapshot) -> list[tuple[int, Delta]] | None:
        """Begin a book at the requested snapshot.

        Return the held deltas that continue it, each with its receive time, oldest first; `None`
        if the snapshot is too old: deltas between it and those seen are missing.
        """
        assert snapshot.sequence is not None
        seen = self.seen
        if seen is None or snapshot.sequence >= seen:
            if self._has_fallen and snapshot.sequence != seen:
                return None  # the snapshot dates from before the numbers began anew
            self.begin(snapshot.sequence)
            if seen != snapshot.sequence:
                # If we saw no delta, the next one may begin before the snapshot.
                self.seen = snapshot.sequence if seen is None else seen
            return []
        held = [pair for pair in self._held or () if pair[1].sequence > snapshot.sequence]
        if not held or first_of(held[0][1]) > snapshot.sequence + 1:
            return None
        ts_recv, delta = held[0]
        held[0] = ts_recv, _follow(delta, snapshot.sequence)
        self.begin(seen)
        return held

    def begin(self, sequence: int | None) -> None:
        """Begin a book at a snapshot, whatever came before."""
        self.expected = None if sequence is None else sequence + 1
        self._held = None
        self.seen = None
        self._has_fallen = False


def _follow(delta: Delta, sequence: int) -> Delta:
    """Return a delta whose range contains a snapshot's number as a follower of that number."""
    return delta if first_of(delta) == sequence + 1 else replace(delta, previous=sequence)
