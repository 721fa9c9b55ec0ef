"""Replays with the order book of NautilusTrader ("nautilus"), a delta at a time, if installed.

It prints the CPU seconds of the loop over rows already converted to its deltas, and the number of
levels in the rows of a grid of seconds.
"""

import sys
import time

# pyright: reportMissingImports=false
import pandas as pd  # type: ignore[import-untyped]
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder, OrderBookDelta
from nautilus_trader.model.enums import (
    BookAction,
    BookType,
    OrderSide,
)
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

EVERY_US = 1_000_000
MARKET = InstrumentId.from_str("BTC-EUR.BITVAVO")
SIDES = (OrderSide.BUY, OrderSide.SELL)


def main() -> None:
    """Measure one table."""
    frame, depth = pd.read_parquet(sys.argv[1]), int(sys.argv[2])
    instants = (-(-frame["ts"] // EVERY_US)).tolist()
    deltas = [make_delta(*row) for row in frame[["action", "side", "price", "size"]].to_numpy()]
    begin_s = time.process_time()
    book = OrderBook(MARKET, BookType.L2_MBP)
    count, last = 0, instants[0]
    for instant, delta in zip(instants, deltas, strict=True):
        if instant != last:
            count += len(book.bids()[:depth]) + len(book.asks()[:depth])
            last = instant
        book.apply_delta(delta)
    count += len(book.bids()[:depth]) + len(book.asks()[:depth])
    print(time.process_time() - begin_s, count)


def make_delta(action: float, side: float, price: float, size: float) -> object:
    """Return a row as one of its deltas."""
    if action == 1:
        return OrderBookDelta.clear(MARKET, 0, 0, 0)
    kind = BookAction.UPDATE if size else BookAction.DELETE
    order = BookOrder(SIDES[int(side)], Price(price, 2), Quantity(size, 6), 0)
    return OrderBookDelta(MARKET, kind, order, 0, 0, 0, 0)


if __name__ == "__main__":
    main()
