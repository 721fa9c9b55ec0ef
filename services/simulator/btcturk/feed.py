"""The feed of one BtcTurk pair on the wire: its frames, and the clients that get them."""

import random
from dataclasses import dataclass, field

from services.simulator.book_side import Execution, Step
from services.simulator.btcturk.odd import empty_sides, write_oddly
from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.digits import padded
from services.simulator.market import SimulatedMarket
from services.simulator.switches import Switches

# The exchange shows, and updates, only the best hundred levels of a side.
WINDOW_LEVELS = 100
TRADES_ON_JOIN = 50
TRADE_DECIMALS = 10
NEGATIVE_STARTS = 0.1
NS_PER_MS = 1_000_000

ADDED, UPDATED, DELETED = 1, 0, 3
_Window = tuple[dict[int, int], dict[int, int]]


@dataclass(slots=True, eq=False)
class Subscription:
    """One client's own numbers of a pair's changes; no other subscription shares them."""

    chain: ClientChain
    change_set: int


@dataclass(slots=True)
class BtcturkFeed:
    """Send one pair's frames to its listeners."""

    market: SimulatedMarket
    rng: random.Random
    switches: Switches = field(default_factory=Switches)
    obdiff: dict[ClientConnection, Subscription] = field(default_factory=dict)
    orderbook: dict[ClientConnection, Subscription] = field(default_factory=dict)
    trade: dict[ClientConnection, None] = field(default_factory=dict)
    ticker: dict[ClientConnection, None] = field(default_factory=dict)
    _window: _Window = ({}, {})
    _ticker_fields: str = ""
    is_muted: bool = False
    is_odd: bool = False
    _hidden: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))

    def publish(self, step: Step) -> None:
        """Send the changes of a step: trades, the change of the window, the whole window."""
        self._ticker_fields = ""
        for trade in step.trades:
            for connection in list(self.trade):
                connection.send(self._write(self.trade_frame(trade)))
        if self.obdiff:
            self._send_difference()
        for connection, subscription in list(self.orderbook.items()):
            subscription.change_set += 1
            connection.send(self.book_frame("orderbook", subscription.change_set))

    def hide(self, side: int, price: int) -> None:
        """Treat the present state of a level as sent."""
        size = self.market.sides[side].sizes.get(price)
        if price in self._window[side] and size is not None:
            self._window[side][price] = size
            self._hidden[side].add(price)

    def reveal(self) -> None:
        """Make the next change carry all hidden levels, deletions too."""
        for window, prices in zip(self._window, self._hidden, strict=True):
            # The levels' sizes will differ from this one: an update or a delete.
            window.update(dict.fromkeys(prices, 1))
            prices.clear()

    def join_obdiff(self, connection: ClientConnection) -> None:
        """Send the snapshot that begins a subscription; changes follow from now on."""
        if not self.obdiff:
            self._window = self._window_now()
        chain = ClientChain(self.market.listing)
        subscription = Subscription(chain, self._new_change_set())
        self.obdiff[connection] = subscription
        connection.chains[self.market.listing.raw_symbol] = chain
        if self.market.listing.raw_symbol in self.switches.late_books:
            return
        if connection.send(self.book_frame("obdiff", subscription.change_set)):
            chain.rebase(subscription.change_set)

    def join_orderbook(self, connection: ClientConnection) -> None:
        """Send the whole window now, and again with each change."""
        subscription = Subscription(ClientChain(self.market.listing), self._new_change_set())
        self.orderbook[connection] = subscription
        connection.send(self.book_frame("orderbook", subscription.change_set))

    def send_snapshot(self, connection: ClientConnection) -> int:
        """Send a snapshot in mid-stream under any number, which the next change continues."""
        subscription = self.obdiff[connection]
        subscription.change_set = self._new_change_set()
        if connection.send(self.book_frame("obdiff", subscription.change_set)):
            subscription.chain.rebase(subscription.change_set)
        return subscription.change_set

    def reset_sequence(self) -> None:
        """Renumber the changes of every subscription from another number on."""
        for subscription in self.obdiff.values():
            subscription.change_set = self._new_change_set()
            subscription.chain.lose("nonce_reset")

    def leave(self, connection: ClientConnection, channel: str) -> None:
        """Stop sending this channel."""
        match channel:
            case "obdiff":
                self.obdiff.pop(connection, None)
                connection.chains.pop(self.market.listing.raw_symbol, None)
            case "orderbook":
                self.orderbook.pop(connection, None)
            case "trade":
                self.trade.pop(connection, None)
            case "ticker":
                self.ticker.pop(connection, None)
            case _:
                pass  # an unknown channel, acknowledged all the same

    def book_frame(self, channel: str, change_set: int) -> str:
        """Return a 431: the whole window, asks ascending, bids descending."""
        market = self.market
        name = market.listing.raw_symbol
        asks = self._levels(market.asks(WINDOW_LEVELS))
        bids = self._levels(market.bids(WINDOW_LEVELS))
        return (
            f'[431,{{"CS":{change_set},"PS":"{name}","AO":[{asks}],"BO":[{bids}],'
            f'"channel":"{channel}","event":"{name}","type":431}}]'
        )

    def trade_frame(self, trade: Execution) -> str:
        """Return a 422: one trade."""
        name = self.market.listing.raw_symbol
        return (
            f'[422,{{{self._trade_fields(trade)},"PS":"{name}","S":{int(trade.is_buy)},'
            f'"channel":"trade","event":"{name}","type":422}}]'
        )

    def trades_frame(self) -> str:
        """Return a 421: the last trades, newest first."""
        name = self.market.listing.raw_symbol
        newest = list(self.market.trades)[: -TRADES_ON_JOIN - 1 : -1]
        items = ",".join(
            f'{{{self._trade_fields(trade)},"S":{int(trade.is_buy)}}}'
            for trade in newest
            if trade.ts >= self.switches.ts_trades
        )
        return self._write(
            f'[421,{{"symbol":"{name}","items":[{items}],'
            f'"channel":"trade","event":"{name}","type":421}}]'
        )

    def ticker_fields(self) -> str:
        """Return the fields that tickers of one pair (402) and of all pairs (401) share."""
        if not self._ticker_fields:
            market = self.market
            price, size = market.price_text, market.size_text
            bid, ask, last = market.best_bid, market.best_ask, market.trades[-1].price
            listing = market.listing
            average = padded(
                market.turnover * listing.tick_units * 10**12 // max(1, market.volume),
                listing.price_decimals + 12,
            )
            change = last - market.open
            daily = ("-" if change < 0 else "") + price(abs(change))
            self._ticker_fields = (
                f'"B":"{price(bid[0])}","A":"{price(ask[0])}","BA":"{size(bid[1])}",'
                f'"AA":"{size(ask[1])}","PS":"{listing.raw_symbol}","H":"{price(market.high)}",'
                f'"L":"{price(market.low)}","LA":"{price(last)}","O":"{price(market.open)}",'
                f'"V":"{size(market.volume)}","AV":"{average}","D":"{daily}",'
                f'"DP":"{100 * change / market.open:.2f}","DS":"{listing.quote}",'
                f'"NS":"{listing.base}","PId":{listing.number}'
            )
        return self._ticker_fields

    def send_ticker(self) -> None:
        """Send a 402 even without a change: two of three repeat the one before."""
        if not self.ticker:
            return
        name = self.market.listing.raw_symbol
        frame = f'[402,{{{self.ticker_fields()},"channel":"ticker","event":"{name}","type":402}}]'
        frames = [empty_sides(frame), frame] if self.is_odd else [frame]
        for connection in list(self.ticker):
            for one in frames:
                connection.send(one)

    def _send_difference(self) -> None:
        before, self._window = self._window, self._window_now()
        bids = self._changes(before[0], self._window[0])
        asks = self._changes(before[1], self._window[1])
        if not bids and not asks:
            return  # every change lies beyond the window
        if self.is_muted:
            for hidden, changes in zip(self._hidden, (bids, asks), strict=True):
                hidden.update(price for price, _ in changes)
            return
        bids.sort(reverse=True)
        asks.sort()
        name = self.market.listing.raw_symbol
        frame = (
            f'"PS":"{name}","AO":[{",".join(text for _, text in asks)}],'
            f'"BO":[{",".join(text for _, text in bids)}],'
            f'"channel":"obdiff","event":"{name}","type":432}}]'
        )
        if name in self.switches.late_books:
            return
        for connection, subscription in list(self.obdiff.items()):
            subscription.change_set += 1
            message = f'[432,{{"CS":{subscription.change_set},{frame}'
            change_set = subscription.change_set
            connection.send_delta(subscription.chain, self._write(message), sequence=change_set)

    def _write(self, frame: str) -> str:
        return write_oddly(frame, self.rng) if self.is_odd else frame

    def _changes(self, before: dict[int, int], now: dict[int, int]) -> list[tuple[int, str]]:
        """Return added, changed and deleted levels; a deleted one keeps its last amount."""
        changes = [
            (price, self._change(UPDATED if price in before else ADDED, price, size))
            for price, size in now.items()
            if before.get(price) != size
        ]
        changes += [
            (price, self._change(DELETED, price, size))
            for price, size in before.items()
            if price not in now
        ]
        return changes

    def _change(self, kind: int, price: int, size: int) -> str:
        market = self.market
        return f'{{"CP":{kind},"P":"{market.price_text(price)}","A":"{market.size_text(size)}"}}'

    def _levels(self, levels: list[tuple[int, int]]) -> str:
        price_text, size_text = self.market.price_text, self.market.size_text
        return ",".join(
            f'{{"A":"{size_text(size)}","P":"{price_text(price)}"}}' for price, size in levels
        )

    def _trade_fields(self, trade: Execution) -> str:
        listing = self.market.listing
        amount = padded(trade.size, listing.size_decimals).removesuffix("00")
        more_decimals = TRADE_DECIMALS - listing.price_decimals
        price = padded(trade.price * listing.tick_units * 10**more_decimals, TRADE_DECIMALS)
        return (
            f'"D":"{trade.ts // NS_PER_MS}","I":"{trade_id(self.market, trade)}",'
            f'"A":"{amount}","P":"{price}"'
        )

    def _window_now(self) -> _Window:
        market = self.market
        return dict(market.bids(WINDOW_LEVELS)), dict(market.asks(WINDOW_LEVELS))

    def _new_change_set(self) -> int:
        number = self.rng.randrange(10**5, 10**7)
        # The 32 bits have wrapped before.
        return -number if self.rng.random() < NEGATIVE_STARTS else number


def trade_id(market: SimulatedMarket, trade: Execution) -> str:
    """Return a trade's id of 18 digits: 1, the pair, a counter."""
    return f"1{market.listing.number:03d}{63_840_000_000_000 + trade.number:014d}"
