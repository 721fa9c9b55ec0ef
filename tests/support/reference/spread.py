"""Computes the spread of two exchanges' prices at one time, in the quote of the first (R12)."""

from msgspec import Struct

from tests.support.reference.books import Book, Side

BPS = 1e4


class Way(Struct):
    """The earnings of buying on one exchange and selling on the other."""

    edge_bps: float
    size: float
    profit: float


class Spread(Struct):
    """One row; the columns of currencies are 1 where both quotes are the same."""

    fx_mid: float
    fx_sell_b: float
    fx_buy_b: float
    mid_spread_bps: float
    a_to_b: Way
    b_to_a: Way


class Leg(Struct):
    """A book at the time, and the taker's fee of its exchange."""

    book: Book | None
    fee: float

    @property
    def is_two_sided(self) -> bool:
        """Return whether the book is known, with both of its sides."""
        return self.book is not None and bool(self.book.bids) and bool(self.book.asks)

    @property
    def bid(self) -> float:
        """Return the best bid."""
        assert self.book is not None
        return self.book.bids[0][0]

    @property
    def ask(self) -> float:
        """Return the best ask."""
        assert self.book is not None
        return self.book.asks[0][0]

    @property
    def mid(self) -> float:
        """Return the middle of the best prices."""
        return (self.bid + self.ask) / 2


def find_spread(first: Leg, second: Leg, via: tuple[Leg, Leg] | None, depth: int) -> Spread | None:
    """Return the row of one time; nothing where any leg is unknown or has one side only."""
    legs = [first, second, *(via or ())]
    if not all(leg.is_two_sided for leg in legs):
        return None
    fx_mid = sell_b = buy_b = 1.0
    if via is not None:
        of_a, of_b = via
        fx_mid = of_b.mid / of_a.mid
        # What one unit of B's quote brings in A's, and what it costs.
        sell_b = of_a.bid * (1 - of_a.fee) / (of_b.ask * (1 + of_b.fee))
        buy_b = of_a.ask * (1 + of_a.fee) / (of_b.bid * (1 - of_b.fee))
    assert first.book is not None
    assert second.book is not None
    return Spread(
        fx_mid,
        sell_b,
        buy_b,
        (second.mid / fx_mid / first.mid - 1) * BPS,
        _walk(
            _priced(first.book.asks[:depth], 1 + first.fee),
            _priced(second.book.bids[:depth], (1 - second.fee) * sell_b),
        ),
        _walk(
            _priced(second.book.asks[:depth], (1 + second.fee) * buy_b),
            _priced(first.book.bids[:depth], 1 - first.fee),
        ),
    )


def _priced(side: Side, factor: float) -> Side:
    """Return the levels at what they cost or bring in the quote of A, fees included."""
    return [(price * factor, size) for price, size in side]


def _walk(bought: Side, sold: Side) -> Way:
    """Walk both ladders, taking what is left of the smaller level, while there is a gain."""
    edge_bps = (sold[0][0] / bought[0][0] - 1) * BPS
    buys, sells = list(bought), list(sold)
    size = profit = 0.0
    while buys and sells and sells[0][0] > buys[0][0]:
        taken = min(buys[0][1], sells[0][1])
        size += taken
        profit += taken * (sells[0][0] - buys[0][0])
        for levels in (buys, sells):
            price, there = levels[0]
            if there == taken:
                levels.pop(0)
            else:
                levels[0] = price, there - taken
    return Way(edge_bps, size, profit)
