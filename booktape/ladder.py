"""Keeps the ladder of one book: its levels, best first."""

from math import inf
from typing import NamedTuple

Level = tuple[float, float]  # price and size


class Difference(NamedTuple):
    """A level in which two ladders differ; a missing level has the size `None`."""

    side: str
    price: float
    ours: float | None
    theirs: float | None


class Comparison(NamedTuple):
    """The comparison of two ladders: levels compared, levels that differ, the first difference."""

    compared: int
    differ: int
    first: Difference | None


class Ladder:
    """One symbol's levels, keyed by the number that the tape holds.

    Exchanges write one price in several ways ("75516.00", "75516"), so text is no key: two texts of
    one float64 are one level on the tape, and so they are here.
    """

    __slots__ = (
        *("ask_brink", "ask_edge", "ask_min", "asks"),
        *("bid_brink", "bid_edge", "bid_max", "bids"),
    )

    def __init__(self) -> None:
        """Start empty."""
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        # No bid is above `bid_max`, no ask below `ask_min`: only once these bounds meet is it worth
        # looking for a crossing among all levels.
        self.bid_max = -inf
        self.ask_min = inf
        # The snapshot had every level up to these prices; behind them the book is a guess.
        self.bid_edge = inf
        self.ask_edge = -inf
        # Once the best price is beyond these, the edge is near.
        self.bid_brink = -inf
        self.ask_brink = inf

    @property
    def depth(self) -> int:
        """Return the number of levels of the larger side."""
        return max(len(self.bids), len(self.asks))

    def replace(self, bids: list[Level], asks: list[Level], depth: int | None = None) -> None:
        """Forget everything, then take these levels.

        `depth`: a side of fewer levels is whole, one of so many may be cut. `None`: nobody knows.
        """
        self.bids, self.asks = {}, {}
        self.bid_max, self.ask_min = -inf, inf
        self.apply(bids, asks)
        self.bid_edge = min(self.bids, default=inf)
        self.ask_edge = max(self.asks, default=-inf)
        self.bid_brink, self.ask_brink = -inf, inf
        if depth is None:
            return
        brink = depth * 3 // 4 - 1
        if len(self.bids) < depth:
            self.bid_edge = -inf
        else:
            self.bid_brink = sorted(self.bids, reverse=True)[brink]
        if len(self.asks) < depth:
            self.ask_edge = inf
        else:
            self.ask_brink = sorted(self.asks)[brink]

    @property
    def has_edge(self) -> bool:
        """Return whether a side was cut, so that the price may leave the known levels."""
        return self.bid_brink != -inf or self.ask_brink != inf

    @property
    def is_near_edge(self) -> bool:
        """Return whether the best price of a side has passed three quarters of its known levels."""
        bid, ask = self.find_touch()
        return bid < self.bid_brink or ask > self.ask_brink

    def find_touch(self) -> tuple[float, float]:
        """Return the best bid and the best ask; infinite if a side is empty."""
        if self.bid_max not in self.bids:  # removed since, and lower now
            self.bid_max = max(self.bids, default=-inf)
        if self.ask_min not in self.asks:
            self.ask_min = min(self.asks, default=inf)
        return self.bid_max, self.ask_min

    def apply(self, bids: list[Level], asks: list[Level]) -> bool:
        """Set or remove the levels of one delta; removing a missing level does nothing.

        Return whether the book may be crossed.
        """
        levels, bid_max = self.bids, self.bid_max
        for price, size in bids:
            if size:
                levels[price] = size
                if price > bid_max:  # noqa: PLR1730 (a call takes longer than all the rest)
                    bid_max = price
            elif price in levels:
                del levels[price]
        self.bid_max = bid_max
        levels, ask_min = self.asks, self.ask_min
        for price, size in asks:
            if size:
                levels[price] = size
                if price < ask_min:  # noqa: PLR1730 (as above)
                    ask_min = price
            elif price in levels:
                del levels[price]
        self.ask_min = ask_min
        return bid_max >= ask_min

    def cut_to(self, window: int) -> tuple[list[float], list[float]]:
        """Remove all but the best `window` levels a side; return the removed prices."""
        bids = sorted(self.bids, reverse=True)[window:] if len(self.bids) > window else []
        asks = sorted(self.asks)[window:] if len(self.asks) > window else []
        for price in bids:
            del self.bids[price]
        for price in asks:
            del self.asks[price]
        return bids, asks

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

    def compare(self, other: "Ladder", slack: float = 0.0) -> Comparison:
        """Compare two ladders of one sequence within the depth that both know.

        Exchanges cut their snapshots, and a book that began with such a cut knows only those levels
        behind it that have changed since. Sizes differ by more than `slack`. The first difference
        is the one nearest to the touch, of bids before asks.
        """
        bid_edge = max(self.bid_edge, other.bid_edge)
        ask_edge = min(self.ask_edge, other.ask_edge)
        bids = [price for price in self.bids.keys() | other.bids.keys() if price >= bid_edge]
        asks = [price for price in self.asks.keys() | other.asks.keys() if price <= ask_edge]
        wrong_bids = _differing(bids, self.bids, other.bids, slack)
        wrong_asks = _differing(asks, self.asks, other.asks, slack)
        first = None
        if wrong_bids:
            price = max(wrong_bids)
            first = Difference("bid", price, self.bids.get(price), other.bids.get(price))
        elif wrong_asks:
            price = min(wrong_asks)
            first = Difference("ask", price, self.asks.get(price), other.asks.get(price))
        return Comparison(len(bids) + len(asks), len(wrong_bids) + len(wrong_asks), first)


def _differing(
    prices: list[float], ours: dict[float, float], theirs: dict[float, float], slack: float
) -> list[float]:
    if not slack:
        return [price for price in prices if ours.get(price) != theirs.get(price)]
    return [price for price in prices if abs(ours.get(price, 0.0) - theirs.get(price, 0.0)) > slack]
