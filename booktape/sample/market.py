"""Makes up the history of a market: its book's changes and its trades, the same from one seed."""

from bisect import bisect_right
from collections.abc import Sequence
from math import ceil, floor
from random import Random
from typing import Final

from msgspec import Struct

from booktape.ladder import Ladder, Level

STEP_US: Final = 100_000  # from one turn of a market to the next
LEVELS: Final = 20  # of each side
_HALF_SPREAD: Final = 4e-5
_GRID: Final = 1e-4  # of the price: the distance of two levels
_RESIZED_MAX: Final = 3  # levels of a side that change their size in one turn
_MOVE_CHANCE, _DEAL_CHANCE = 0.25, 0.06  # of one turn


class Move(Struct, frozen=True):
    """One change of a book; a size of 0 removes the level."""

    ts: int  # µs
    sequence: int
    bids: list[Level]
    asks: list[Level]


class Deal(Struct, frozen=True):
    """One trade; the side is the taker's."""

    ts: int  # µs
    trade_id: str
    side: str
    price: float
    size: float


class MarketHistory(Struct, frozen=True):
    """The moves of one market; the first is the whole book."""

    symbol: str
    price_decimals: int
    moves: list[Move]
    deals: list[Deal]

    def book_at(self, ts: int) -> tuple[Ladder, int]:
        """Return the book after every move up to then, and the sequence of the last of them."""
        ladder = Ladder()
        past = self.moves[: bisect_right(self.moves, ts, key=lambda move: move.ts)]
        assert past
        for move in past:
            ladder.apply(move.bids, move.asks)
        return ladder, past[-1].sequence


def make_history(
    symbol: str,
    mids: Sequence[float],
    *,
    start_us: int,
    typical_size: float,
    price_decimals: int,
    quiet: range,
    random: Random,
) -> MarketHistory:
    """Return the history of a market whose middle takes these values, one in each turn.

    In the `quiet` turns nothing happens.
    """
    book = _Book(mids[0], typical_size, price_decimals, random)
    sequence = random.randrange(1_000_000, 9_000_000)
    moves = [Move(start_us, sequence, *book.follow(mids[0]))]
    deals: list[Deal] = []
    for turn, mid in enumerate(mids):
        ts = start_us + turn * STEP_US + random.randrange(1, STEP_US)
        if turn in quiet:
            continue
        if random.random() < _MOVE_CHANCE:
            bids, asks = book.follow(mid)
            moves.append(Move(ts, sequence + len(moves), bids, asks))
        if random.random() < _DEAL_CHANCE:
            deals.append(book.deal(ts, f"{sequence}-{len(deals)}"))
    return MarketHistory(symbol, price_decimals, moves, deals)


class _Book:
    """The levels of one market, on a grid of prices: `LEVELS` below the middle, as many above."""

    def __init__(
        self, mid: float, typical_size: float, price_decimals: int, random: Random
    ) -> None:
        self._step = round(mid * _GRID, price_decimals)
        assert self._step > 0
        self._typical_size = typical_size
        self._decimals = price_decimals
        self._random = random
        self._bids: dict[int, float] = {}  # place on the grid -> size
        self._asks: dict[int, float] = {}

    def follow(self, mid: float) -> tuple[list[Level], list[Level]]:
        """Move to a middle; return the levels of each side that changed."""
        bid = floor(mid * (1 - _HALF_SPREAD) / self._step)
        ask = max(bid + 1, ceil(mid * (1 + _HALF_SPREAD) / self._step))
        bids = self._replace(self._bids, range(bid, bid - LEVELS, -1))
        asks = self._replace(self._asks, range(ask, ask + LEVELS))
        return bids, asks

    def deal(self, ts: int, trade_id: str) -> Deal:
        """Return a trade at the best price of a side."""
        side = self._random.choice(("buy", "sell"))
        place = min(self._asks) if side == "buy" else max(self._bids)
        return Deal(ts, trade_id, side, self._price(place), self._size())

    def _replace(self, side: dict[int, float], places: range) -> list[Level]:
        gone = [place for place in side if place not in places]
        new = [place for place in places if place not in side]
        kept = [place for place in places if place in side]
        count = min(len(kept), self._random.randint(0, _RESIZED_MAX))
        resized = self._random.sample(kept, count)
        for place in gone:
            del side[place]
        for place in (*new, *resized):
            side[place] = self._size()
        changed = [(self._price(place), side[place]) for place in (*new, *resized)]
        return [(self._price(place), 0.0) for place in gone] + changed

    def _price(self, place: int) -> float:
        return round(place * self._step, self._decimals)

    def _size(self) -> float:
        return round(self._typical_size * (0.05 + self._random.expovariate(1.0)), 6)
