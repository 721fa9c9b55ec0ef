"""The ladder of one book: its levels, and what can be read off them."""

from math import inf

Level = tuple[float, float]  # price and size


class Ladder:
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

    def cut_to(self, window: int) -> tuple[list[float], list[float]]:
        """Remove all but the best `window` levels a side; return the prices of those removed."""
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

    def find_mismatch(self, other: "Ladder") -> tuple[str, float] | None:
        """Return side and price of a level in which two ladders of one sequence differ, or `None`.

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
