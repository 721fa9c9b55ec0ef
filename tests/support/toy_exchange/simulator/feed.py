"""The feed of one tree of the toy: its book under numbers of its own, its listeners."""

import json
from dataclasses import dataclass, field
from typing import Any

from services.simulator.book_side import Step
from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.market import SimulatedMarket

NS_PER_MS = 1_000_000


@dataclass(slots=True)
class ToyFeed:
    """Collect what changes, and send it as one range of numbers when that is due."""

    market: SimulatedMarket
    rev: int
    book: dict[ClientConnection, ClientChain] = field(default_factory=dict)
    listeners: dict[str, dict[ClientConnection, None]] = field(default_factory=dict)
    _first: int = 0  # of the range that is not sent yet; 0: nothing is
    _buy: dict[int, int] = field(default_factory=dict)
    _sell: dict[int, int] = field(default_factory=dict)

    def publish(self, step: Step) -> None:
        """Take up a step: each level is a number."""
        self._first = self._first or self.rev + 1
        self.rev += len(step.bids) + len(step.asks)
        self._buy.update(step.bids)
        self._sell.update(step.asks)
        price, size = self.market.price_text, self.market.size_text
        for trade in step.trades:
            self._say(
                "trades",
                "fill",
                no=trade.number,
                p=price(trade.price),
                q=size(trade.size),
                by="buyer" if trade.is_buy else "seller",
                at=trade.ts // NS_PER_MS,
            )

    def send(self) -> None:
        """Send the range that is due, and the best prices after it."""
        if not self._first:
            return
        sides = {"buy": self._offers(self._buy), "sell": self._offers(self._sell)}
        name, first = self.market.listing.raw_symbol, self._first
        self._first, self._buy, self._sell = 0, {}, {}
        message = say("change", of=name, **{"from": first, "to": self.rev}, **sides)
        for connection, chain in list(self.book.items()):
            connection.send_delta(chain, message, first=first, sequence=self.rev)
        price = self.market.price_text
        bid, ask = self.market.best_bid, self.market.best_ask
        self._say("ticker", "top", buy=price(bid[0]), sell=price(ask[0]))

    def reset(self, rev: int) -> None:
        """Number what comes next from somewhere else."""
        self.rev = rev
        self._first = self._first and rev + 1
        for chain in self.book.values():
            chain.lose("nonce_reset")

    def answer_book(self, depth: int) -> bytes:
        """Return the book as it stands, most often in the middle of a range."""
        for chain in self.book.values():
            if not chain.has_snapshot:
                chain.rebase(self.rev)
        sides = self.market.bids(depth), self.market.asks(depth)
        buy, sell = (self._offers(dict(side)) for side in sides)
        return json.dumps({"rev": self.rev, "buy": buy, "sell": sell}).encode()

    def leave(self, connection: ClientConnection, channel: str) -> None:
        """Stop sending this channel."""
        self.listeners.get(channel, {}).pop(connection, None)
        if channel == "book":
            self.book.pop(connection, None)
            connection.chains.pop(self.market.listing.raw_symbol, None)

    def join(self, connection: ClientConnection, channel: str) -> None:
        """Send what happens from now on."""
        if channel != "book":
            self.listeners.setdefault(channel, {})[connection] = None
        elif connection not in self.book:
            chain = ClientChain(self.market.listing)
            self.book[connection] = connection.chains[self.market.listing.raw_symbol] = chain

    def _say(self, channel: str, kind: str, **body: Any) -> None:
        message = say(kind, of=self.market.listing.raw_symbol, **body)
        for connection in list(self.listeners.get(channel, ())):
            connection.send(message)

    def _offers(self, levels: dict[int, int]) -> list[dict[str, str]]:
        price, size = self.market.price_text, self.market.size_text
        return [{"p": price(ticks), "q": size(units)} for ticks, units in levels.items()]


def say(kind: str, **body: Any) -> str:
    """Return a message of the toy."""
    return json.dumps({"kind": kind, **body})
