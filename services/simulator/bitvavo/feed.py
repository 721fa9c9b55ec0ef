"""The feed of one Bitvavo market on the wire: its events, and the clients that get them."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from services.simulator.bitvavo.data import BOOK_AGE_NS, NS_PER_MS, trade_id
from services.simulator.bitvavo.odd import empty_sides, write_oddly
from services.simulator.book_side import Execution, Step
from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.market import SimulatedMarket
from services.simulator.switches import Switches

# The exchange repeats an event's levels under the next nonce 6 to 30 times a minute.
REPEATS = 0.01
COMPLETE_TICKERS = 0.02
AGE_JITTER_PER_NS = 1 / 4_000_000

_encode = msgspec.json.Encoder().encode


def send_json(connection: ClientConnection, message: object) -> bool:
    """Send one JSON object; return whether the socket took it."""
    return connection.send(_encode(message).decode())


@dataclass(slots=True)
class BitvavoFeed:
    """Send one market's events to its listeners; the nonce counts the book's events."""

    market: SimulatedMarket
    nonce: int
    rng: random.Random  # not the market's, whose moves must not depend on its listeners
    clock_ns: Callable[[], int]
    switches: Switches = field(default_factory=Switches)
    is_reset: bool = False
    ts: int = 0  # the time of the last transaction, which never steps back
    is_muted: bool = False
    is_odd: bool = False
    has_moved: bool = False
    book: dict[ClientConnection, ClientChain] = field(default_factory=dict)
    listeners: dict[str, dict[ClientConnection, None]] = field(default_factory=dict)
    _bid: tuple[int, int] = (0, 0)
    _ask: tuple[int, int] = (0, 0)

    def publish(self, step: Step) -> None:
        """Send the changes of a step: trades, the book's event, the ticker's frames."""
        self.has_moved = True
        for trade in step.trades:
            self._send("trades", self._trade(trade))
        self._send_book(step)
        if self.rng.random() < REPEATS:
            self._send_book(step)
        if self.listeners.get("ticker"):
            self._send_ticker(step)

    def give_snapshot(self, to: ClientConnection | None, nonce: int | None = None) -> None:
        """Note that somebody got a book: this connection, or a client over REST.

        A client may ask over one connection and listen on another: a book for a connection that
        does not listen counts for every listener without one.
        """
        if to in self.book:
            self.book[to].give(self.nonce if nonce is None else nonce)
            return
        for chain in self.book.values():
            if not chain.has_snapshot:
                chain.rebase(self.nonce)

    def _send_book(self, step: Step) -> None:
        self.nonce += 1
        if self.is_reset:
            self.is_reset = False
            self.nonce = 1
            for chain in self.book.values():
                chain.lose("nonce_reset")
        if not self.book:
            return
        market = self.market
        age = BOOK_AGE_NS + int(self.rng.expovariate(AGE_JITTER_PER_NS))
        self.ts = max(self.ts, self.clock_ns() - age)
        message = (
            f'{{"event":"book","market":"{market.listing.raw_symbol}","nonce":{self.nonce},'
            f'"bids":[{_levels(market, step.bids)}],"asks":[{_levels(market, step.asks)}],'
            f'"timestamp":{self.ts}}}'
        )
        if self.is_odd:
            message = write_oddly(message, self.rng)
        for connection, chain in list(self.book.items()):
            if self.is_muted:
                chain.lose("mute")
            else:
                connection.send_delta(chain, message, sequence=self.nonce)

    def _trade(self, trade: Execution) -> str:
        market = self.market
        return (
            f'{{"event":"trade","id":"{trade_id(market, trade)}",'
            f'"amount":"{market.size_text(trade.size)}","price":"{market.price_text(trade.price)}",'
            f'"timestamp":{trade.ts // NS_PER_MS},"market":"{market.listing.raw_symbol}",'
            f'"side":"{"buy" if trade.is_buy else "sell"}"}}'
        )

    def _send_ticker(self, step: Step) -> None:
        """Send the changes at the touch; nearly every frame holds one side alone."""
        market = self.market
        bid, ask = market.best_bid, market.best_ask
        last = f'"lastPrice":"{market.price_text(market.trades[-1].price)}"'
        bid_text = _quote(market, "Bid", bid)
        ask_text = _quote(market, "Ask", ask)
        parts = []
        if bid != self._bid:
            parts.append(bid_text)
        if ask != self._ask:
            parts.append(ask_text)
        if step.trades:
            parts.append(last)
        if parts and self.rng.random() < COMPLETE_TICKERS:
            parts = [f"{bid_text},{ask_text},{last}"]
        self._bid, self._ask = bid, ask
        for part in parts:
            message = f'{{"event":"ticker","market":"{market.listing.raw_symbol}",{part}}}'
            if self.is_odd:
                self._send("ticker", empty_sides(message))
            self._send("ticker", message)

    def _send(self, channel: str, message: str) -> None:
        if self.is_odd:
            message = write_oddly(message, self.rng)
        if channel == "ticker" and self.switches.is_ticker_unreadable:
            message = message.replace('Price":"', 'Price":"~').replace('Bid":"', 'Bid":"~')
            message = message.replace('Ask":"', 'Ask":"~')
        for connection in list(self.listeners.get(channel, ())):
            connection.send(message)


def _levels(market: SimulatedMarket, changes: dict[int, int]) -> str:
    """Return levels unordered and zero-padded, as changes are on the wire; a deletion is `"0"`."""
    price, size = market.price_text, market.size_text
    return ",".join(
        f'["{price(ticks, is_padded=True)}","{size(units, is_padded=True)}"]'
        for ticks, units in changes.items()
    )


def _quote(market: SimulatedMarket, side: str, quote: tuple[int, int]) -> str:
    price, size = market.price_text(quote[0]), market.size_text(quote[1])
    return f'"best{side}":"{price}","best{side}Size":"{size}"'
