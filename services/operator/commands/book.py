"""The command `book`: fetches one order book over REST, read by the feed's own parser."""

import time
from decimal import Decimal

from booktape.ladder import Level
from shared.event import Snapshot
from shared.exchange import Exchange
from shared.feed.names import Names
from shared.process.settings import Settings
from shared.transport.limits import Limits
from shared.transport.rest import RestClient


def run(exchange: Exchange, settings: Settings, symbol: str, *, limit: int) -> int:
    """Fetch the book and print its best levels."""
    own = settings.exchanges[exchange.name]
    path = settings.state.folder.limits(exchange.name)
    share = own.limit_share
    limits = Limits(path, exchange.limits, steady_s=time.monotonic, share=share)
    client = RestClient(exchange, own.rest_url, limits)
    names = Names(exchange)
    if not names.is_known:
        names.learn(client.markets())
    snapshot = client.book(names.raw_symbol(symbol))
    print(format_book(exchange.name, symbol, snapshot, limit=limit))
    return 0


def format_book(exchange: str, symbol: str, book: Snapshot, *, limit: int) -> str:
    """Return the ladder: asks above bids, the best of both in the middle."""
    depth = f"{len(book.bids)} bids, {len(book.asks)} asks"
    asks = sorted(book.asks)[:limit]
    bids = sorted(book.bids, reverse=True)[:limit]
    rows = [("ask", *_texts(level)) for level in reversed(asks)]
    rows += [("bid", *_texts(level)) for level in bids]
    sequence = "" if book.sequence is None else f", sequence {book.sequence}"
    lines = [f"{exchange} {symbol}{sequence}, {depth}"]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (1, 2)]
    for side, price, size in rows:
        lines.append(f"  {side}  {price:>{widths[0]}}  {size:>{widths[1]}}")
    return "\n".join(lines)


def _texts(level: Level) -> tuple[str, str]:
    """Return price and size without an exponent or trailing zeros."""
    price, size = (format(Decimal(repr(number)), "f") for number in level)
    return price.removesuffix(".0"), size.removesuffix(".0")
