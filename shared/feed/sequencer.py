"""Judges by its sequence whether a delta continues its book.

The rule: a book starts at a snapshot of sequence S. Of the deltas that came while the snapshot
was on its way, those up to S are dropped; the first one that stays must follow S, and each later
one its predecessor. What a delta follows it names itself; where it does not, that is its own
sequence less one. A first delta whose range has S inside it follows S as well: it says how each
level stands at its end. Anything else, higher or lower, is a gap: the book is worthless until the
next snapshot.
"""

from enum import Enum, auto
from typing import Final

from msgspec.structs import replace

from shared.event import Delta, Snapshot

HELD_DELTAS_MAX: Final = 4096  # of one symbol until its snapshot comes: minutes at 10 a second
OVERTAKEN_MAX: Final = 256  # deltas that a snapshot may have overtaken on its way to us


class Verdict(Enum):
    """What the sequence of a delta says of it."""

    ACCEPTED = auto()  # it continues the book
    JOINING = auto()  # its range begins before the snapshot, and ends behind it: `join` it
    STALE = auto()  # the snapshot holds it already
    HELD = auto()  # it waits for the snapshot that is on its way
    UNKNOWN = auto()  # there is no book, and nobody has asked for one
    GAP = auto()  # something is missing before it


# Looked up in its class, a member takes as long as the rest of the judgement.
ACCEPTED = Verdict.ACCEPTED


def first_of(delta: Delta) -> int:
    """Return the first of the numbers that a delta stands for: it follows the one before that."""
    return delta.sequence if delta.previous is None else delta.previous + 1


class Sequencer:
    """Says of each delta of one symbol whether it continues the book."""

    def __init__(self) -> None:
        """Start without a book."""
        self.expected: int | None = None  # the first number that the book lacks
        self._held: list[tuple[int, Delta]] | None = None
        self._is_joining = False

    @property
    def is_live(self) -> bool:
        """Return whether there is a book that deltas can continue."""
        return self.expected is not None

    @property
    def last(self) -> int | None:
        """Return the sequence of the book as it stands."""
        return None if self.expected is None else self.expected - 1

    def lose(self) -> None:
        """Forget the book: a gap, a disconnect, a doubt."""
        self.expected = None
        self._held = None

    def hold_deltas(self) -> None:
        """Keep deltas from now on, a snapshot having been asked for.

        What came before the question needs no keeping: the answer is newer.
        """
        self._held = []

    def judge(self, ts_recv: int, delta: Delta) -> Verdict:
        """Return what the delta's sequence says of it; an accepted one becomes the last."""
        first = delta.sequence if delta.previous is None else delta.previous + 1
        if first == self.expected:
            self.expected = delta.sequence + 1
            self._is_joining = False
            return ACCEPTED
        if self.expected is None:
            return self._hold_delta(ts_recv, delta)
        if not self._is_joining:
            return Verdict.GAP
        if first < self.expected <= delta.sequence:
            return Verdict.JOINING
        overtaken = self.expected - OVERTAKEN_MAX * (delta.sequence - first + 1)
        return Verdict.STALE if overtaken <= delta.sequence < self.expected else Verdict.GAP

    def join(self, delta: Delta) -> Delta:
        """Continue the book by a delta whose range begins before the snapshot; return it so."""
        assert self._is_joining
        assert self.expected is not None
        joined = _follow(delta, self.expected - 1)
        self.expected = delta.sequence + 1
        self._is_joining = False
        return joined

    def _hold_delta(self, ts_recv: int, delta: Delta) -> Verdict:
        held = self._held
        if held is None:
            return Verdict.UNKNOWN
        is_chain = bool(held) and first_of(delta) == held[-1][1].sequence + 1
        if not is_chain or len(held) == HELD_DELTAS_MAX:
            held.clear()  # only what continues up to the newest can be spliced
        held.append((ts_recv, delta))
        return Verdict.HELD

    def splice(self, snapshot: Snapshot) -> list[tuple[int, Delta]] | None:
        """Begin a book at the snapshot that was asked for.

        Return the held deltas that continue it, each with its receive time, oldest first; `None`
        where the snapshot is older than they are, so that something is missing between them.
        """
        assert snapshot.sequence is not None
        held = [pair for pair in self._held or () if pair[1].sequence > snapshot.sequence]
        if held and first_of(held[0][1]) > snapshot.sequence + 1:
            return None
        if held:
            ts_recv, delta = held[0]
            held[0] = ts_recv, _follow(delta, snapshot.sequence)
        self.begin(held[-1][1].sequence if held else snapshot.sequence)
        self._is_joining = not held
        return held

    def begin(self, sequence: int | None) -> None:
        """Begin a book at a snapshot that came by itself, whatever was before it."""
        self.expected = None if sequence is None else sequence + 1
        self._held = None
        self._is_joining = False


def _follow(delta: Delta, sequence: int) -> Delta:
    """Return a delta, in whose range a snapshot's number lies, as one that follows that number."""
    return delta if first_of(delta) == sequence + 1 else replace(delta, previous=sequence)
