"""Order books kept from snapshots and deltas, with the rule against gaps.

The rule: a book starts at a snapshot of sequence S. Of the deltas that came while the snapshot
was on its way, those up to S are dropped; the first one that stays must be S + step, and each
later one its predecessor + step. Anything else, higher or lower, is a gap: the book is worthless
until the next snapshot.
"""

from enum import Enum, auto
from math import inf

from msgspec import Struct

Level = tuple[float, float]  # price and size

HELD_DELTAS_MAX = 4096  # of one symbol while its snapshot is on its way: minutes at 10 a second
OVERTAKEN_MAX = 256  # deltas that a snapshot may have overtaken on its way to us


class Snapshot(Struct, frozen=True, gc=False):
    """The whole book of one symbol; `sequence` is `None` where the exchange numbers nothing."""

    raw_symbol: str
    bids: list[Level]
    asks: list[Level]
    sequence: int | None = None
    ts_event: int | None = None


class Delta(Struct, frozen=True, gc=False):
    """The levels that changed, in the exchange's order: absolute sizes, 0 removes the level."""

    raw_symbol: str
    bids: list[Level]
    asks: list[Level]
    sequence: int
    ts_event: int | None = None


class Checkpoint(Struct, frozen=True, gc=False):
    """A book of our own, written so that an hour of tape can be rebuilt alone."""

    raw_symbol: str
    bids: list[Level]
    asks: list[Level]
    sequence: int | None
    ts_event: None = None  # it is no event of the exchange's


class Book:
    """One symbol's levels, keyed by the number that the tape holds.

    Exchanges write one price in several ways ("75516.00", "75516"), so text is no key: two texts
    that are one float64 are one level on the tape, so they are one here too.
    """

    __slots__ = ("ask_edge", "ask_min", "asks", "bid_edge", "bid_max", "bids")

    def __init__(self) -> None:
        """Start empty."""
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        # No bid is above `bid_max`, no ask below `ask_min`: only where these bounds meet is it
        # worth looking for a crossing among all levels.
        self.bid_max = -inf
        self.ask_min = inf
        # The snapshot knew everything down to these prices; behind them the book is a guess.
        self.bid_edge = inf
        self.ask_edge = -inf

    def replace(self, bids: list[Level], asks: list[Level]) -> None:
        """Forget everything, then take these levels."""
        self.bids, self.asks = {}, {}
        self.bid_max, self.ask_min = -inf, inf
        self.apply(bids, asks)
        self.bid_edge = min(self.bids, default=inf)
        self.ask_edge = max(self.asks, default=-inf)

    def apply(self, bids: list[Level], asks: list[Level]) -> None:
        """Set or remove the levels of one delta; removing what is not there does nothing."""
        levels, best = self.bids, self.bid_max
        for price, size in bids:
            if size:
                levels[price] = size
                if price > best:  # noqa: PLR1730 (a call takes longer than all the rest)
                    best = price
            elif price in levels:
                del levels[price]
        self.bid_max = best
        levels, best = self.asks, self.ask_min
        for price, size in asks:
            if size:
                levels[price] = size
                if price < best:  # noqa: PLR1730 (as above)
                    best = price
            elif price in levels:
                del levels[price]
        self.ask_min = best

    def find_crossing(self) -> tuple[float, float] | None:
        """Return the best bid and the best ask if they cross or touch."""
        if self.bid_max not in self.bids:  # removed since, and lower now
            self.bid_max = max(self.bids, default=-inf)
        if self.bid_max < self.ask_min:
            return None
        if self.ask_min not in self.asks:
            self.ask_min = min(self.asks, default=inf)
        if self.bid_max < self.ask_min:
            return None
        return self.bid_max, self.ask_min

    def find_mismatch(self, other: "Book") -> tuple[str, float] | None:
        """Return side and price of a level in which two books of one sequence differ, or `None`.

        Compared within the depth of both: exchanges cut their snapshots, and a book that began at
        such a cut knows only of those levels behind it that changed since.
        """
        bid_edge = max(self.bid_edge, other.bid_edge)
        ask_edge = min(self.ask_edge, other.ask_edge)
        for price in self.bids.keys() | other.bids.keys():
            if price >= bid_edge and self.bids.get(price) != other.bids.get(price):
                return "bid", price
        for price in self.asks.keys() | other.asks.keys():
            if price <= ask_edge and self.asks.get(price) != other.asks.get(price):
                return "ask", price
        return None


class Verdict(Enum):
    """What the sequence of a delta says of it."""

    ACCEPTED = auto()  # it continues the book
    STALE = auto()  # the snapshot holds it already
    HELD = auto()  # it waits for the snapshot that is on its way
    UNKNOWN = auto()  # there is no book, and nobody has asked for one
    GAP = auto()  # something is missing before it


# Looked up in its class, a member takes as long as the rest of the judgement.
ACCEPTED = Verdict.ACCEPTED


class Sequencer:
    """Says of each delta of one symbol whether it continues the book."""

    def __init__(self, step: int) -> None:
        """Start without a book; `step` lies between the sequences of two deltas."""
        self.expected: int | None = None  # the sequence that continues the book
        self._step = step
        self._held: list[tuple[int, Delta]] | None = None
        self._is_joining = False

    @property
    def is_live(self) -> bool:
        """Return whether there is a book that deltas can continue."""
        return self.expected is not None

    @property
    def last(self) -> int | None:
        """Return the sequence of the book as it stands."""
        return None if self.expected is None else self.expected - self._step

    def lose(self) -> None:
        """Forget the book: a gap, a disconnect, a doubt."""
        self.expected = None
        self._held = None

    def hold(self) -> None:
        """Keep deltas from now on, a snapshot having been asked for.

        What came before the question needs no keeping: the answer is newer.
        """
        self._held = []

    def judge(self, ts_recv: int, delta: Delta) -> Verdict:
        """Return what the delta's sequence says of it; an accepted one becomes the last."""
        if delta.sequence == self.expected:
            self.expected = delta.sequence + self._step
            self._is_joining = False
            return ACCEPTED
        if self.expected is None:
            return self._hold(ts_recv, delta)
        overtaken = self.expected - OVERTAKEN_MAX * self._step
        if self._is_joining and overtaken <= delta.sequence < self.expected:
            return Verdict.STALE
        return Verdict.GAP

    def _hold(self, ts_recv: int, delta: Delta) -> Verdict:
        held = self._held
        if held is None:
            return Verdict.UNKNOWN
        is_chain = bool(held) and delta.sequence == held[-1][1].sequence + self._step
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
        if held and held[0][1].sequence != snapshot.sequence + self._step:
            return None
        self.begin(held[-1][1].sequence if held else snapshot.sequence)
        self._is_joining = not held
        return held

    def begin(self, sequence: int | None) -> None:
        """Begin a book at a snapshot that came by itself, whatever was before it."""
        self.expected = None if sequence is None else sequence + self._step
        self._held = None
        self._is_joining = False
