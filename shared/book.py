"""Order books kept from snapshots and deltas, with the rule against gaps.

The rule: a book starts at a snapshot of sequence S. Of the deltas that came while the snapshot
was on its way, those up to S are dropped; the first one that stays must be S + step, and each
later one its predecessor + step. Anything else, higher or lower, is a gap: the book is worthless
until the next snapshot.
"""

from enum import Enum, auto
from itertools import chain
from math import inf

import msgspec
from msgspec import Struct

Level = tuple[str, str]

HELD_DELTAS_MAX = 4096  # of one symbol while its snapshot is on its way: minutes at 10 a second
OVERTAKEN_MAX = 256  # deltas that a snapshot may have overtaken on its way to us
NUMBER_MAX = 1e24  # exchanges name prices up to 1e11 and sizes up to 1e10

_decode_numbers = msgspec.json.Decoder(list[float]).decode


class Levels(Struct, frozen=True):
    """The levels of one book event, bids first: each number as the exchange's text, and as read.

    The text goes to the tape, where Arrow reads it again; the numbers are what our book knows.
    """

    prices: list[str]
    sizes: list[str]
    price_numbers: list[float]
    size_numbers: list[float]
    bid_count: int

    @property
    def bids(self) -> list[Level]:
        """Return the bids as text."""
        end = self.bid_count
        return list(zip(self.prices[:end], self.sizes[:end], strict=True))

    @property
    def asks(self) -> list[Level]:
        """Return the asks as text."""
        start = self.bid_count
        return list(zip(self.prices[start:], self.sizes[start:], strict=True))


class Snapshot(Struct, frozen=True):
    """The whole book of one symbol; `sequence` is `None` where the exchange numbers nothing."""

    raw_symbol: str
    levels: Levels
    sequence: int | None = None
    ts_event: int | None = None


class Delta(Struct, frozen=True):
    """The levels that changed: absolute sizes, 0 removes the level."""

    raw_symbol: str
    levels: Levels
    sequence: int
    ts_event: int | None = None


class Checkpoint(Struct, frozen=True):
    """A book of our own, written so that an hour of tape can be rebuilt alone."""

    raw_symbol: str
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]
    sequence: int | None


class BadLevel(ValueError):
    """A price or a size that must not get into a book, and why."""


def read_levels(bids: list[Level], asks: list[Level]) -> Levels:
    """Return the levels of one event, or raise `BadLevel`.

    A price or size is digits with at most one dot between them: no sign, exponent, blank or other
    alphabet. Arrow parses a whole flush at once, so one bad number would spoil the rest.
    """
    texts = [*chain(*bids, *asks)]
    numbers = _read_numbers(texts)
    if numbers and max(numbers) > NUMBER_MAX:
        raise BadLevel(f"a price or size is above {NUMBER_MAX:g}")
    prices = numbers[::2]
    if 0.0 in prices:
        raise BadLevel("a price is zero")
    return Levels(texts[::2], texts[1::2], prices, numbers[1::2], len(bids))


def _read_numbers(texts: list[str]) -> list[float]:
    """Return the numbers: all at once as a JSON list takes a fifth of the time of `float`.

    JSON has signs, exponents and blanks, so no other characters than these are let through.
    """
    try:
        joined = ",".join(texts).encode()
        numbers = _decode_numbers(b"[" + joined + b"]")
    except ValueError:  # no JSON number, or a lone surrogate
        pass
    else:
        if len(numbers) == len(texts) and not joined.translate(None, b"0123456789.,"):
            return numbers
    raise BadLevel("a price or size is not a plain decimal number")


class Book:
    """One symbol's levels, keyed by the number that the tape will hold.

    Exchanges write one price in several ways ("75516.00", "75516"), so text is no key. The key is
    the float64 that Arrow will make of it: two texts that are one float are one level on the
    tape, so they are one here too.
    """

    __slots__ = ("_ask_min", "_bid_max", "ask_edge", "asks", "bid_edge", "bids")

    def __init__(self) -> None:
        """Start empty."""
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        # No bid is above `_bid_max`, no ask below `_ask_min`. Only when these bounds meet is
        # every level looked at: a few comparisons an event instead of a thousand.
        self._bid_max = -inf
        self._ask_min = inf
        # The snapshot knew everything down to these prices; behind them the book is a guess.
        self.bid_edge = inf
        self.ask_edge = -inf

    def replace(self, levels: Levels) -> None:
        """Forget everything, then take these levels."""
        self.bids, self.asks = {}, {}
        self._bid_max, self._ask_min = -inf, inf
        self.apply(levels)
        self.bid_edge = min(self.bids, default=inf)
        self.ask_edge = max(self.asks, default=-inf)

    def apply(self, levels: Levels) -> None:
        """Set or remove the levels of one delta; removing what is not there does nothing."""
        prices, sizes, count = levels.price_numbers, levels.size_numbers, levels.bid_count
        if count:
            bids = prices[:count]
            _set(self.bids, bids, sizes[:count])
            self._bid_max = max(self._bid_max, *bids)
        if len(prices) > count:
            asks = prices[count:]
            _set(self.asks, asks, sizes[count:])
            self._ask_min = min(self._ask_min, *asks)

    def find_crossing(self) -> tuple[float, float] | None:
        """Return the best bid and the best ask if they cross or touch."""
        if self._bid_max < self._ask_min:
            return None
        self._bid_max = max(self.bids, default=-inf)
        self._ask_min = min(self.asks, default=inf)
        if self._bid_max < self._ask_min:
            return None
        return self._bid_max, self._ask_min

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


def _set(side: dict[float, float], prices: list[float], sizes: list[float]) -> None:
    side.update(zip(prices, sizes, strict=True))
    if 0.0 in sizes:
        for price, size in zip(prices, sizes, strict=True):
            if not size:
                side.pop(price, None)


class Verdict(Enum):
    """What the sequence of a delta says of it."""

    ACCEPTED = auto()  # it continues the book
    STALE = auto()  # the snapshot holds it already
    HELD = auto()  # it waits for the snapshot that is on its way
    UNKNOWN = auto()  # there is no book, and nobody has asked for one
    GAP = auto()  # something is missing before it


class Sequencer:
    """Says of each delta of one symbol whether it continues the book."""

    def __init__(self, step: int) -> None:
        """Start without a book; `step` lies between the sequences of two deltas."""
        self.last: int | None = None
        self._step = step
        self._held: list[tuple[int, Delta]] | None = None
        self._is_joining = False

    @property
    def is_live(self) -> bool:
        """Return whether there is a book that deltas can continue."""
        return self.last is not None

    @property
    def expected(self) -> int | None:
        """Return the sequence that continues the book."""
        return None if self.last is None else self.last + self._step

    def lose(self) -> None:
        """Forget the book: a gap, a disconnect, a doubt."""
        self.last = None
        self._held = None

    def hold(self) -> None:
        """Keep deltas from now on, a snapshot having been asked for.

        What came before the question needs no keeping: the answer is newer.
        """
        self._held = []

    def judge(self, ts_recv: int, delta: Delta) -> Verdict:
        """Return what the delta's sequence says of it; an accepted one becomes the last."""
        if self.last is None:
            return self._hold(ts_recv, delta)
        if delta.sequence == self.last + self._step:
            self.last = delta.sequence
            self._is_joining = False
            return Verdict.ACCEPTED
        overtaken = self.last - OVERTAKEN_MAX * self._step
        if self._is_joining and overtaken < delta.sequence <= self.last:
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
        self.last = sequence
        self._held = None
        self._is_joining = False
