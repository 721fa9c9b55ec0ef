"""One side of a simulated book, with its changes in one step of the market."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field

BID = 0
ASK = 1


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution; `number` counts up by one for each trade of its market."""

    number: int
    ts: int
    price: int
    size: int
    is_buy: bool


@dataclass(slots=True)
class Step:
    """The changes of one step: price in ticks -> new size in units, 0 for a deleted level."""

    bids: dict[int, int]
    asks: dict[int, int]
    trades: list[Execution] = field(default_factory=list)


class Side:
    """The levels of one side, findable by price and in order of price."""

    __slots__ = ("before", "prices", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.prices: list[int] = []  # ascending on both sides
        self.before: dict[int, int] = {}  # the earlier sizes of the levels that this step touched

    def put(self, price: int, size: int) -> None:
        """Set the level to `size`; 0 removes it."""
        old = self.sizes.get(price, 0)
        self.before.setdefault(price, old)
        if size:
            if not old:
                insort(self.prices, price)
            self.sizes[price] = size
        elif old:
            del self.sizes[price]
            del self.prices[bisect_left(self.prices, price)]

    def take_changes(self) -> dict[int, int]:
        """Return the changed levels, and begin the next step."""
        changes = {
            price: self.sizes.get(price, 0)
            for price, old in self.before.items()
            if self.sizes.get(price, 0) != old
        }
        self.before = {}
        return changes
