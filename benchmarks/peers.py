"""The peers: other people's ways of taking the same messages, without our code.

`python peers.py WAY TRAFFIC` prints the microseconds of CPU a message, from its text to a book in
memory. None stores anything. `plain`: json, dicts of floats. `ccxt`: ccxt.pro's handler of Bitvavo.
`cryptofeed`: its Binance handler, with messages converted to that form; its callback does nothing.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

Snapshots = dict[str, dict[str, Any]]


def plain(snapshots: Snapshots, texts: list[str]) -> float:
    """Keep books in the simplest way."""
    books = {
        symbol: {side: {float(p): float(s) for p, s in book[side]} for side in ("bids", "asks")}
        for symbol, book in snapshots.items()
    }
    begin_s = time.process_time()
    for text in texts:
        message = json.loads(text)
        book = books[message["market"]]
        for side in ("bids", "asks"):
            levels = book[side]
            for price, size in message[side]:
                if float(size):
                    levels[float(price)] = float(size)
                else:
                    levels.pop(float(price), None)
    return time.process_time() - begin_s


def ccxt(snapshots: Snapshots, texts: list[str]) -> float:
    """Hand the messages to ccxt.pro's client of Bitvavo."""
    pro = import_module("ccxt.pro")

    class Client:
        def __init__(self) -> None:
            self.subscriptions: dict[str, Any] = {}

        def resolve(self, *_: object) -> None:
            """Wake nobody."""

    async def measure() -> float:
        exchange = pro.bitvavo()
        exchange.set_markets([_describe(symbol) for symbol in snapshots])
        for raw_symbol, book in snapshots.items():
            symbol = raw_symbol.replace("-", "/")
            kept = exchange.order_book({}, 1000)
            ts = exchange.safe_integer(book, "timestamp")
            kept.reset(exchange.parse_order_book(book, symbol, ts))
            kept["nonce"] = book["nonce"]
            exchange.orderbooks[symbol] = kept
        client = Client()
        begin_s = time.process_time()
        for text in texts:
            exchange.handle_message(client, json.loads(text))
        used_s = time.process_time() - begin_s
        await exchange.close()
        return used_s

    return asyncio.run(measure())


def _describe(raw_symbol: str) -> dict[str, Any]:
    base, quote = raw_symbol.split("-")
    names = {"base": base, "quote": quote, "baseId": base, "quoteId": quote}
    kind = {"type": "spot", "spot": True, "active": True, "precision": {}, "limits": {}}
    return {"id": raw_symbol, "symbol": f"{base}/{quote}", **names, **kind}


def cryptofeed(snapshots: Snapshots, texts: list[str]) -> float:
    """Hand the messages to cryptofeed, as if Binance had sent them."""
    binance = import_module("cryptofeed.exchanges").Binance
    make_book = import_module("cryptofeed.types").OrderBook
    channel = import_module("cryptofeed.defines").L2_BOOK
    feed = binance.__new__(binance)
    feed._l2_book, feed.last_update_id, feed.callbacks = {}, {}, defaultdict(list)
    feed.cross_check, feed.max_depth, feed.requires_authentication = False, 0, False
    feed.exchange_symbol_mapping = {_join(symbol): symbol for symbol in snapshots}
    feed.normalized_symbol_mapping = {symbol: _join(symbol) for symbol in snapshots}
    for symbol, book in snapshots.items():
        sides = {
            side: {Decimal(price): Decimal(size) for price, size in book[side]}
            for side in ("bids", "asks")
        }
        feed._l2_book[symbol] = make_book("BINANCE", symbol, **sides, max_depth=0)
        feed._l2_book[symbol].delta = {}
        feed.last_update_id[symbol] = book["nonce"]

    async def take(*_: object) -> None:
        """Do nothing."""

    feed.callbacks[channel].append(take)
    messages = [_as_binance(json.loads(text)) for text in texts]

    async def measure() -> float:
        begin_s = time.process_time()
        for text in messages:
            await feed.message_handler(text, None, 1.0)
        return time.process_time() - begin_s

    return asyncio.run(measure())


def _join(symbol: str) -> str:
    return symbol.replace("-", "")


def _as_binance(message: dict[str, Any]) -> str:
    symbol = _join(message["market"])
    data = {
        "e": "depthUpdate",
        "E": message["timestamp"] // 1_000_000,
        "s": symbol,
        "U": message["nonce"],
        "u": message["nonce"],
        "b": message["bids"],
        "a": message["asks"],
    }
    return json.dumps({"stream": f"{symbol.lower()}@depth@100ms", "data": data})


def main() -> None:
    """Measure one way."""
    way, path = sys.argv[1:]
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    snapshots, texts = json.loads(lines[0]), lines[1:]
    used_s = {"plain": plain, "ccxt": ccxt, "cryptofeed": cryptofeed}[way](snapshots, texts)
    print(used_s / len(texts) * 1e6)


if __name__ == "__main__":
    main()
