"""One market's order book and trades, as a seeded random walk in whole ticks."""

import math
import random
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field

from services.simulator.digits import padded, trimmed
from services.simulator.listing import Listing

TRADES_MAX = 1_000
TRADES_AT_START = 60
TRADES_PER_STEP = 0.03
# Chosen so that an event holds about five levels, two of five deleted, as on the wire.
MOVES = 0.58
RESIZES = 0.24
SWEEPS = 0.002
OPERATIONS_PER_STEP_MAX = 40
LEVELS_MIN = 3

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
    """What one step changed: price in ticks -> new size in units, 0 where the level is gone."""

    bids: dict[int, int]
    asks: dict[int, int]
    trades: list[Execution] = field(default_factory=list)


class Side:
    """The levels of one side, findable by price and in order of price."""

    __slots__ = ("before", "prices", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.prices: list[int] = []  # ascending on both sides
        self.before: dict[int, int] = {}  # what this step touched, as it was

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
        """Return what differs from before, and begin anew."""
        changes = {
            price: self.sizes.get(price, 0)
            for price, old in self.before.items()
            if self.sizes.get(price, 0) != old
        }
        self.before = {}
        return changes


class SimulatedMarket:
    """Keep a book that never crosses, never empties, and moves only in `step`."""

    def __init__(self, listing: Listing, *, seed: int, ts: int) -> None:
        self.listing = listing
        self.is_halted = False
        self.is_delisted = False
        self.sides = (Side(), Side())
        self.trades: deque[Execution] = deque(maxlen=TRADES_MAX)
        self.rng = random.Random(f"{seed} {listing.raw_symbol}")
        self._middle = float(listing.price_ticks)
        self._spread = max(1.5, listing.price_ticks * 1e-4)
        # Makers quote the same few sizes again and again.
        self._sizes = [self._draw_size() for _ in range(24)]
        self._trade_number = self.rng.randrange(1 << 24, 1 << 26)
        self._fill()
        for age in range(TRADES_AT_START, 0, -1):
            is_buy = self._chance(0.5)
            self._record(ts - age * 1_700_000_000, is_buy=is_buy, size=self._size())
        trades = self.trades
        self.open = trades[0].price
        self.high = max(trade.price for trade in trades)
        self.low = min(trade.price for trade in trades)
        self.volume = sum(trade.size for trade in trades)
        self.turnover = sum(trade.size * trade.price for trade in trades)

    @property
    def is_moving(self) -> bool:
        """Return whether the market trades at all now."""
        return not (self.is_halted or self.is_delisted)

    @property
    def best_bid(self) -> tuple[int, int]:
        """Return the highest bid's price and size."""
        price = self.sides[BID].prices[-1]
        return price, self.sides[BID].sizes[price]

    @property
    def best_ask(self) -> tuple[int, int]:
        """Return the lowest ask's price and size."""
        price = self.sides[ASK].prices[0]
        return price, self.sides[ASK].sizes[price]

    def bids(self, depth: int) -> list[tuple[int, int]]:
        """Return the best `depth` bids, highest first."""
        side = self.sides[BID]
        return [(price, side.sizes[price]) for price in reversed(side.prices[-depth:])]

    def asks(self, depth: int) -> list[tuple[int, int]]:
        """Return the best `depth` asks, lowest first."""
        side = self.sides[ASK]
        return [(price, side.sizes[price]) for price in side.prices[:depth]]

    def step(self, ts: int) -> Step:
        """Move the market on by one conflated event, and return it; it is never empty."""
        rng = self.rng
        self._middle += rng.gauss(0, 0.35 * self._spread)
        self._recentre()
        trades = self._trade(ts) if rng.random() < TRADES_PER_STEP else []
        for _ in range(self._operations()):
            self._operate()
        bids, asks = (side.take_changes() for side in self.sides)
        if not bids and not asks:
            price, size = self.best_bid
            self.sides[BID].put(price, size + 1)
            bids = self.sides[BID].take_changes()
        return Step(bids, asks, trades)

    def price_text(self, ticks: int, *, is_padded: bool = False) -> str:
        """Return a price as the exchange writes it."""
        form = padded if is_padded else trimmed
        return form(ticks * self.listing.tick_units, self.listing.price_decimals)

    def size_text(self, units: int, *, is_padded: bool = False) -> str:
        """Return a size as the exchange writes it; nothing left is `0` in either form."""
        if units == 0:
            return "0"
        return (padded if is_padded else trimmed)(units, self.listing.size_decimals)

    def _operations(self) -> int:
        if self._chance(SWEEPS):
            return OPERATIONS_PER_STEP_MAX
        more = self.rng.expovariate(1 / (self.listing.operations - 0.5))
        return min(1 + int(more), OPERATIONS_PER_STEP_MAX)

    def _operate(self) -> None:
        rng = self.rng
        side = BID if self._chance(0.5) else ASK
        chance = rng.random()
        if chance < MOVES:
            self._move(side)
        elif chance < MOVES + RESIZES:
            price = self._near(side)
            self.sides[side].put(price, self._size())
        elif len(self.sides[side].prices) > self.listing.levels:
            self._cancel(side)
        else:
            self._place(side, self._size())

    def _move(self, side: int) -> None:
        price = self._near(side)
        size = self.sides[side].sizes[price]
        if len(self.sides[side].prices) > LEVELS_MIN:
            self.sides[side].put(price, 0)
        self._place(side, size if self._chance(0.7) else self._size())

    def _place(self, side: int, size: int) -> None:
        """Put a new level beside the touch, or anywhere in the book; never on a taken price."""
        levels = self.sides[side]
        if self._chance(0.7):
            distance = self._spread * (0.5 + self.rng.expovariate(0.15))
        else:
            distance = self._spread * self.listing.levels * self.rng.expovariate(2)
        distance = min(distance, self._middle * 0.9)
        if side == BID:
            price = min(math.floor(self._middle - distance), self.best_ask[0] - 1)
            step = -1
        else:
            price = max(math.ceil(self._middle + distance), self.best_bid[0] + 1)
            step = 1
        while price in levels.sizes and price > 1:
            price += step
        levels.put(max(1, price), size)

    def _cancel(self, side: int) -> None:
        levels = self.sides[side]
        if self._chance(0.5):
            price = self.rng.choice(levels.prices)
        else:
            price = levels.prices[0] if side == BID else levels.prices[-1]
        if len(levels.prices) > LEVELS_MIN:
            levels.put(price, 0)

    def _near(self, side: int) -> int:
        prices = self.sides[side].prices
        rank = min(int(self.rng.expovariate(0.12)), len(prices) - 1)
        return prices[-1 - rank] if side == BID else prices[rank]

    def _recentre(self) -> None:
        """Pull quotes that the walk has overtaken; a walk too fast for that is held back."""
        for side in (BID, ASK):
            price, size = self.best_bid if side == BID else self.best_ask
            is_overtaken = price >= self._middle if side == BID else price <= self._middle
            if is_overtaken and len(self.sides[side].prices) > LEVELS_MIN:
                self.sides[side].put(price, 0)
                self._place(side, size)
        low, high = self.best_bid[0], self.best_ask[0]
        floor = max(low, 10.0)
        self._middle = min(max(self._middle, floor), max(high, floor))

    def _trade(self, ts: int) -> list[Execution]:
        is_buy = self._chance(0.5)
        side = ASK if is_buy else BID
        trades = []
        for _ in range(1 if self._chance(0.7) else 2):
            price, size = self.best_ask if is_buy else self.best_bid
            taken = size
            if len(self.sides[side].prices) <= LEVELS_MIN or self._chance(0.6):
                taken = max(1, min(size - 1, int(size * self.rng.random())))
            self.sides[side].put(price, max(size - taken, 0))
            trades.append(self._record(ts, is_buy=is_buy, size=taken, price=price))
            if taken < size:
                break
        for trade in trades:
            self.high = max(self.high, trade.price)
            self.low = min(self.low, trade.price)
            self.volume += trade.size
            self.turnover += trade.size * trade.price
        return trades

    def _record(self, ts: int, *, is_buy: bool, size: int, price: int | None = None) -> Execution:
        self._trade_number += 1
        if price is None:
            price = (self.best_ask if is_buy else self.best_bid)[0]
        trade = Execution(self._trade_number, ts, price, size, is_buy)
        self.trades.append(trade)
        return trade

    def _fill(self) -> None:
        for side, sign in ((BID, -1), (ASK, 1)):
            price = self._middle + sign * self._spread / 2
            for rank in range(self.listing.levels):
                gap = 1 + self.rng.expovariate(1 / self._spread) * (1 + rank / 60)
                price += sign * gap
                if price < 1:
                    break
                self.sides[side].put(int(price), self._size())
            self.sides[side].take_changes()

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _size(self) -> int:
        return self.rng.choice(self._sizes) if self._chance(0.5) else self._draw_size()

    def _draw_size(self) -> int:
        """Return a size worth 10 to 10,000; some are round, as people type them."""
        coins = 10 ** self.rng.uniform(1, 4) / max(self.listing.price, 1e-12)
        digits = 2 - math.floor(math.log10(coins)) if self._chance(0.3) else 8
        step: int = 10 ** max(0, self.listing.size_decimals - max(digits, 0))
        units = int(coins * 10.0**self.listing.size_decimals)
        if self.listing.size_decimals == 12 and self._chance(0.01):  # noqa: PLR2004
            return max(1, units)  # the odd amount of 12 digits that BtcTurk sends
        return max(1, units // step) * step
