"""One market's order book and trades, as a seeded random walk in whole ticks."""

import math
import random
from bisect import bisect_left
from collections import deque

from services.simulator.book_side import ASK, BID, Execution, Side, Step
from services.simulator.digits import padded, trimmed
from services.simulator.listing import Listing, draw_size

TRADES_MAX = 1_000
TRADES_AT_START = 60
TRADES_PER_STEP = 0.03
# With this share an event holds about five levels, two of five deleted, as on the wire.
MOVES = 0.58
RESIZES = 0.24
SWEEPS = 0.002
OPERATIONS_PER_STEP_MAX = 40
LEVELS_MIN = 3
# A book with more levels is dense: a thousand of them reach a few per cent, as on the wire.
DENSE_LEVELS = 1_000
DENSITY = 0.37
SWEPT_PER_STEP = 40
HIDDEN_RANK = 60  # of the level that a lie changes: few changes reach so deep
CROSSED_BY = 2  # ticks


class SimulatedMarket:
    """Keeps a book that moves only in `step`; unless requested, it never crosses nor empties."""

    def __init__(self, listing: Listing, *, seed: int, ts: int) -> None:
        self.listing = listing
        self.is_halted = False
        self.is_delisted = False
        self.is_in_auction = False
        self.sides = (Side(), Side())
        self.trades: deque[Execution] = deque(maxlen=TRADES_MAX)
        self.rng = random.Random(f"{seed} {listing.raw_symbol}")
        self._middle = float(listing.price_ticks)
        self._spread = max(1.5, listing.price_ticks * 1e-4)
        # Makers repeat the same few sizes.
        self._sizes = [draw_size(self.listing, self.rng) for _ in range(24)]
        self.hidden: list[tuple[int, int]] = []  # side and price of each hidden change
        self._crossing: int | None = None  # the price of the bid that crosses
        self._to_sweep = 0  # asks
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
        """Move the market by one conflated event; return the event, which is never empty."""
        trades: list[Execution] = []
        if self._crossing is not None:
            self._resize()
        elif self._to_sweep:
            self._sweep()
        else:
            trades = self._move_on(ts)
        bids, asks = (side.take_changes() for side in self.sides)
        if not bids and not asks:
            price, size = self.best_bid
            self.sides[BID].put(price, size + 1)
            bids = self.sides[BID].take_changes()
        return Step(bids, asks, trades)

    def walk(self, share: float) -> None:
        """Rise by about this share of the price, over the next steps."""
        limit = self.best_ask[0] * (1 + share)
        prices = self.sides[ASK].prices
        self._to_sweep = min(bisect_left(prices, int(limit)), max(len(prices) - LEVELS_MIN, 0))

    @property
    def is_plain(self) -> bool:
        """Return whether no requested fault is still going on."""
        return self._crossing is None and not self._to_sweep and not self.hidden

    def cross(self) -> None:
        """Cross the book, until `uncross`, as in an auction."""
        self._crossing = self.best_ask[0] + CROSSED_BY
        self.sides[BID].put(self._crossing, self._size())

    def uncross(self) -> None:
        """End the crossing."""
        if self._crossing is not None:
            self.sides[BID].put(self._crossing, 0)
            self._crossing = None

    def lie(self) -> tuple[int, int]:
        """Change a level without a step; return its side and price."""
        side = BID if self._chance(0.5) else ASK
        prices = self.sides[side].prices
        rank = min(HIDDEN_RANK, len(prices) - 1)
        price = prices[-1 - rank] if side == BID else prices[rank]
        levels = self.sides[side]
        was_told = levels.before.copy()
        levels.put(price, 2 * levels.sizes[price])
        levels.before = was_told
        self.hidden.append((side, price))
        return side, price

    def reveal(self) -> None:
        """Put all hidden changes into the next step."""
        for side, price in self.hidden:
            self.sides[side].before[price] = -1
        self.hidden = []

    def _move_on(self, ts: int) -> list[Execution]:
        """Move by an ordinary step; return its trades."""
        rng = self.rng
        self._middle += rng.gauss(0, 0.35 * self._spread)
        self._recentre()
        trades = self._trade(ts) if rng.random() < TRADES_PER_STEP else []
        for _ in range(self._operations()):
            self._operate()
        return trades

    def _sweep(self) -> None:
        """Remove the best asks, and raise the bids after them."""
        count = min(self._to_sweep, SWEPT_PER_STEP)
        self._to_sweep -= count
        for _ in range(count):
            self.sides[ASK].put(self.best_ask[0], 0)
        self._middle = self.best_ask[0] - self._spread / 2
        for _ in range(count):
            self._place(BID, self._size())

    def _resize(self) -> None:
        """Change only sizes, behind the best prices."""
        for _ in range(self._operations()):
            side = BID if self._chance(0.5) else ASK
            prices = self.sides[side].prices
            rank = min(2 + int(self.rng.expovariate(0.12)), len(prices) - 1)
            self.sides[side].put(prices[-1 - rank] if side == BID else prices[rank], self._size())

    def price_text(self, ticks: int, *, is_padded: bool = False) -> str:
        """Return a price as the exchange writes it."""
        form = padded if is_padded else trimmed
        return form(ticks * self.listing.tick_units, self.listing.price_decimals)

    def size_text(self, units: int, *, is_padded: bool = False) -> str:
        """Return a size as the exchange writes it; zero is `0`, padded or not."""
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
        """Pull quotes that the walk has overtaken; slow down a walk too fast for that."""
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
            is_dense = self.listing.levels > DENSE_LEVELS
            for rank in range(self.listing.levels):
                wider = DENSITY if is_dense else 1 + rank / 60
                gap = 1 + self.rng.expovariate(1 / self._spread) * wider
                price += sign * gap
                if price < 1:
                    break
                self.sides[side].put(int(price), self._size())
            self.sides[side].take_changes()

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _size(self) -> int:
        return (
            self.rng.choice(self._sizes) if self._chance(0.5) else draw_size(self.listing, self.rng)
        )
