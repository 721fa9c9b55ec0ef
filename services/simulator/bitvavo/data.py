"""Answers a question with the data of the simulated Bitvavo, over REST and websocket alike."""

from collections.abc import Callable, Iterator

from services.simulator.bitvavo.rows import (
    JsonRow,
    asset_row,
    candle,
    level,
    market_row,
    price_row,
    quote_row,
    status,
)
from services.simulator.book_side import Execution
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import Clock
from services.simulator.switches import Switches

NS_PER_MS = 1_000_000
DEPTH_MAX = 1_000
TRADES_DEFAULT = 500
TRADES_MAX = 1_000
CANDLES_MAX = 1_440
# A book carries the time of its last transaction, which is at least so much before its sending.
BOOK_AGE_NS = 75_000_000
INTERVALS_S = {
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "2h": 7_200,
    "4h": 14_400,
    "6h": 21_600,
    "8h": 28_800,
    "12h": 43_200,
    "1d": 86_400,
}

Parameters = dict[str, object]


class Refusal(Exception):
    """Answer with this error code instead."""

    def __init__(self, code: int, error: str, *, market: str | None = None) -> None:
        super().__init__(error)
        self.code = code
        self.error = error
        self.market = market


def banned(ts_until: int) -> Refusal:
    """Return the refusal for an address that has spent too many points."""
    return Refusal(
        105,
        "Your IP or API key has been banned for not respecting the rate limit. "
        f"The ban expires at {ts_until // NS_PER_MS}.",
    )


def trade_id(market: SimulatedMarket, trade: Execution) -> str:
    """Return the id as the engine of 2025 makes it: the market, then a counter."""
    return f"00000000-0000-{market.listing.number:04d}-0000-{trade.number:012x}"


class BitvavoData:
    """Answer the public actions from the markets as they stand."""

    def __init__(
        self,
        markets: list[SimulatedMarket],
        switches: Switches,
        *,
        nonce_of: Callable[[SimulatedMarket], int],
        clock: Clock,
    ) -> None:
        self._markets = {market.listing.raw_symbol: market for market in markets}
        self._switches = switches
        self._nonce_of = nonce_of
        self._clock = clock
        self._actions: dict[str, tuple[Callable[[Parameters], object], int]] = {
            "getTime": (self._time, 1),
            "getMarkets": (self._list_markets, 1),
            "getAssets": (self._list_assets, 1),
            "getBook": (self._book, 1),
            "getTrades": (self._trades, 5),
            "getCandles": (self._candles, 1),
            "getTickerPrice": (self._ticker_price, 1),
            "getTickerBook": (self._ticker_book, 1),
            "getTicker24h": (self._ticker_24h, 1),
        }

    def points(self, action: str, parameters: Parameters) -> int | None:
        """Return the points that an action costs, or None for an unknown action."""
        if action == "getTicker24h" and "market" not in parameters:
            return 25
        known = self._actions.get(action)
        return known[1] if known else None

    def answer_action(self, action: str, parameters: Parameters) -> object:
        """Return the body of the answer; raise `Refusal` for a wrong question."""
        return self._actions[action][0](parameters)

    def find(self, name: object) -> SimulatedMarket:
        """Return the market of that name; raise `Refusal` if the exchange does not list it now."""
        market = self._markets.get(name) if isinstance(name, str) else None
        if market is None or market.is_delisted:
            named = f" {name}" if name else ""
            raise Refusal(
                205, f"market parameter{named} is invalid.", market=str(name) if name else None
            )
        return market

    def ticker_24h(self, market: SimulatedMarket) -> JsonRow:
        """Return the day's figures of one market; the day began with the simulator."""
        price, size = market.price_text, market.size_text
        now_ms = self._clock.ns() // NS_PER_MS
        last = market.trades[-1]
        bid, ask = market.best_bid, market.best_ask
        listing = market.listing
        turnover = market.turnover * listing.tick_units
        scale = 10 ** (listing.price_decimals + listing.size_decimals)
        return {
            "market": listing.raw_symbol,
            "startTimestamp": now_ms - 86_400_000,
            "timestamp": now_ms,
            "open": price(market.open),
            "openTimestamp": market.trades[0].ts // NS_PER_MS,
            "high": price(market.high),
            "low": price(market.low),
            "last": price(last.price),
            "closeTimestamp": last.ts // NS_PER_MS,
            # The exchange pads some of these and not others.
            "bid": price(bid[0], is_padded=True),
            "bidSize": size(bid[1]),
            "ask": price(ask[0], is_padded=True),
            "askSize": size(ask[1], is_padded=True),
            "volume": size(market.volume),
            "volumeQuote": f"{turnover // scale}.{turnover % scale:0{len(str(scale)) - 1}d}",
        }

    def candles(self, market: SimulatedMarket, interval_s: int) -> Iterator[list[object]]:
        """Yield candles from the trades still known, newest first."""
        interval_ms = interval_s * 1_000
        group: list[Execution] = []
        start = 0
        for trade in reversed(market.trades):
            at = trade.ts // NS_PER_MS // interval_ms * interval_ms
            if group and at != start:
                yield candle(market, start, group)
                group = []
            start = at
            group.append(trade)
        if group:
            yield candle(market, start, group)

    def _listed(self) -> list[SimulatedMarket]:
        return [market for market in self._markets.values() if not market.is_delisted]

    def _one_or_all(
        self, parameters: Parameters, row: Callable[[SimulatedMarket], JsonRow]
    ) -> object:
        if "market" in parameters:
            return row(self.find(parameters["market"]))
        return [row(market) for market in self._listed()]

    def _required(self, parameters: Parameters) -> SimulatedMarket:
        if "market" not in parameters:
            raise Refusal(203, "market parameter is required.")
        return self.find(parameters["market"])

    def _time(self, parameters: Parameters) -> object:
        del parameters
        now = self._clock.ns()
        return {"time": now // NS_PER_MS, "timeNs": now}

    def _list_markets(self, parameters: Parameters) -> object:
        return self._one_or_all(parameters, market_row)

    def _list_assets(self, parameters: Parameters) -> object:
        bases = dict.fromkeys(
            base for market in self._listed() for base in (market.listing.base, "EUR")
        )
        rows = [asset_row(base) for base in bases]
        if "symbol" not in parameters:
            return rows
        for row in rows:
            if row["symbol"] == parameters["symbol"]:
                return row
        raise Refusal(205, f"symbol parameter {parameters['symbol']} is invalid.")

    def _book(self, parameters: Parameters) -> object:
        market = self._required(parameters)
        depth = _number(parameters, "depth", default=DEPTH_MAX, low=1, high=DEPTH_MAX)
        name = market.listing.raw_symbol
        if (state := status(market)) != "trading":
            error = f"getBook is not available for {name} in state {state.upper()}"
            raise Refusal(431, error, market=name)
        return {
            "market": name,
            "nonce": self._nonce_of(market),
            "bids": [level(market, one) for one in market.bids(depth)],
            "asks": [level(market, one) for one in market.asks(depth)],
            "timestamp": self._clock.ns() - BOOK_AGE_NS,
        }

    def _trades(self, parameters: Parameters) -> object:
        market = self._required(parameters)
        limit = _number(parameters, "limit", default=TRADES_DEFAULT, low=1, high=TRADES_MAX)
        start = _number(parameters, "start", default=0, low=0)
        start = max(start, self._switches.ts_trades // NS_PER_MS)
        end = _number(parameters, "end", default=1 << 62, low=0)
        first, last = parameters.get("tradeIdFrom", ""), parameters.get("tradeIdTo", "~")
        rows: list[JsonRow] = []
        for trade in reversed(market.trades):
            identity = trade_id(market, trade)
            is_meant = start <= trade.ts // NS_PER_MS <= end and str(first) <= identity <= str(last)
            if is_meant and len(rows) < limit:
                rows.append(
                    {
                        "id": identity,
                        "timestamp": trade.ts // NS_PER_MS,
                        "amount": market.size_text(trade.size),
                        "price": market.price_text(trade.price),
                        "side": "buy" if trade.is_buy else "sell",
                    }
                )
        return rows

    def _candles(self, parameters: Parameters) -> object:
        market = self._required(parameters)
        interval = str(parameters.get("interval", ""))
        if interval not in INTERVALS_S:
            raise Refusal(205, f"interval parameter {interval} is invalid.")
        limit = _number(parameters, "limit", default=CANDLES_MAX, low=1, high=CANDLES_MAX)
        return list(self.candles(market, INTERVALS_S[interval]))[:limit]

    def _ticker_price(self, parameters: Parameters) -> object:
        return self._one_or_all(parameters, price_row)

    def _ticker_book(self, parameters: Parameters) -> object:
        return self._one_or_all(parameters, quote_row)

    def _ticker_24h(self, parameters: Parameters) -> object:
        return self._one_or_all(parameters, self.ticker_24h)


def _number(parameters: Parameters, name: str, *, default: int, low: int, high: int = 0) -> int:
    text = str(parameters.get(name, default))
    if not text.isdecimal() or int(text) < low or (high and int(text) > high):
        market = parameters.get("market")
        raise Refusal(
            205, f"{name} parameter {text} is invalid.", market=str(market) if market else None
        )
    return int(text)
