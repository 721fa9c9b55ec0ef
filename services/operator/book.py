"""One order book over REST, by the parser of the feed."""

import time
from decimal import Decimal

from shared.book import Level, Snapshot
from shared.exchange import Exchange
from shared.limits import Limits
from shared.rest import RestClient
from shared.settings import Settings


def run(exchange: Exchange, settings: Settings, symbol: str, *, limit: int) -> int:
    """Fetch the book and print its best levels."""
    own = settings.exchanges[exchange.name]
    path = settings.state.path / "limits" / f"{exchange.name}.json"
    limits = Limits(path, exchange.limits, clock_ns=time.monotonic_ns)
    client = RestClient(exchange, own.rest_url, limits)
    snapshot = client.book(exchange.raw_symbol(symbol))
    print(format_book(exchange.name, symbol, snapshot, limit=limit))
    return 0


def format_book(exchange: str, symbol: str, book: Snapshot, *, limit: int) -> str:
    """Return the ladder: asks above bids, the best of both in the middle."""
    bids, asks = book.levels.bids, book.levels.asks
    depth = f"{len(bids)} bids, {len(asks)} asks"
    asks = sorted(asks, key=_price)[:limit]
    bids = sorted(bids, key=_price, reverse=True)[:limit]
    rows = [("ask", *level) for level in reversed(asks[:limit])]
    rows += [("bid", *level) for level in bids[:limit]]
    sequence = "" if book.sequence is None else f", sequence {book.sequence}"
    lines = [f"{exchange} {symbol}{sequence}, {depth}"]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (1, 2)]
    for side, price, size in rows:
        lines.append(f"  {side}  {price:>{widths[0]}}  {size:>{widths[1]}}")
    return "\n".join(lines)


def _price(level: Level) -> Decimal:
    return Decimal(level[0])
