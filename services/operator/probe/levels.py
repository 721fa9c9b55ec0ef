"""Keeps the levels of a book as decimals, without the code of the recorder's ladder."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

Level = tuple[Decimal, Decimal]
Touch = tuple[Decimal | None, Decimal | None]

HISTORY_NS: Final = 4_000_000_000


class DecimalBook:
    """Both sides of one market, with its touches of the last seconds."""

    def __init__(self) -> None:
        """Start empty."""
        self.sides: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}
        self.sequence: int | None = None
        # The last price of a list of levels that the exchange cut; None: the side is whole.
        self.edges: dict[str, Decimal | None] = {"bids": None, "asks": None}
        self.touches: deque[tuple[int, Touch]] = deque()
        self._best: dict[str, Decimal | None] = {"bids": None, "asks": None}

    def replace(self, side: str, levels: Iterable[Level], *, full: int) -> None:
        """Replace a side by these levels; `full` of them may be a list that the exchange cut."""
        self.sides[side] = dict(levels)
        prices = self.sides[side]
        worst = min if side == "bids" else max
        self.edges[side] = worst(prices) if len(prices) >= full else None
        self._find_best(side)

    def set_level(self, side: str, price: Decimal, size: Decimal) -> None:
        """Set the size of a level; 0 removes it."""
        levels, best = self.sides[side], self._best[side]
        if size:
            levels[price] = size
            if best is None or (price > best if side == "bids" else price < best):
                self._best[side] = price
        else:
            levels.pop(price, None)
            if price == best:
                self._find_best(side)

    def copy(self) -> "DecimalBook":
        """Return a copy without the history."""
        other = DecimalBook()
        other.sides = {side: dict(levels) for side, levels in self.sides.items()}
        other.sequence = self.sequence
        other.edges = dict(self.edges)
        return other

    def touch(self) -> Touch:
        """Return the best bid and the best ask."""
        return self._best["bids"], self._best["asks"]

    def note_touch(self, ts: int) -> None:
        """Remember the present touch."""
        if not self.touches or self.touches[-1][1] != self.touch():
            self.touches.append((ts, self.touch()))
        while len(self.touches) > 1 and self.touches[1][0] < ts - HISTORY_NS:
            self.touches.popleft()

    def touches_between(self, start: int, end: int) -> list[Touch]:
        """Return each touch between two times, with the one that held at the first."""
        found: list[Touch] = []
        for ts, touch in self.touches:
            if ts <= start:
                found = [touch]
            elif ts <= end:
                found.append(touch)
        return found

    def cut_to(self, window: int) -> list[tuple[str, Decimal]]:
        """Remove all but the best levels of each side; return the removed ones."""
        removed = []
        for side, levels in self.sides.items():
            worst = sorted(levels, reverse=side == "bids")[window:]
            removed += [(side, price) for price in worst]
        for side, price in removed:
            del self.sides[side][price]
        return removed

    def differences(self, other: "DecimalBook") -> tuple[int, list[str]]:
        """Compare the levels within both books' edges; return their number and differences."""
        compared, found = 0, []
        for side, levels in self.sides.items():
            theirs = other.sides[side]
            edges = [edge for edge in (self.edges[side], other.edges[side]) if edge is not None]
            for price in levels.keys() | theirs.keys():
                if any(price < edge if side == "bids" else price > edge for edge in edges):
                    continue
                compared += 1
                if levels.get(price) != theirs.get(price):
                    found.append(f"{side} {price}: {levels.get(price)} for {theirs.get(price)}")
        return compared, found

    def _find_best(self, side: str) -> None:
        choose = max if side == "bids" else min
        self._best[side] = choose(self.sides[side], default=None)
