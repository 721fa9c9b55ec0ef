"""The rows of Bitvavo's answers, one function for each."""

from services.simulator.book_side import Execution
from services.simulator.market import SimulatedMarket

ORDER_TYPES = ("market", "limit", "stopLoss", "stopLossLimit", "takeProfit", "takeProfitLimit")

JsonRow = dict[str, object]


def level(market: SimulatedMarket, price_and_size: tuple[int, int]) -> tuple[str, str]:
    """Return one level of a snapshot: not padded, unlike those of a change."""
    price, size = price_and_size
    return market.price_text(price), market.size_text(size)


def market_row(market: SimulatedMarket) -> JsonRow:
    """Return a market as `getMarkets` lists it."""
    listing = market.listing
    least = max(1, int(5 / listing.price * 10**listing.size_decimals))
    return {
        "market": listing.raw_symbol,
        "status": status(market),
        "base": listing.base,
        "quote": listing.quote,
        "pricePrecision": None,
        "minOrderInBaseAsset": market.size_text(least, is_padded=True),
        "minOrderInQuoteAsset": "5.00",
        "maxOrderInBaseAsset": "1000000000",
        "maxOrderInQuoteAsset": "1000000000",
        "quantityDecimals": listing.size_decimals,
        "notionalDecimals": 2,
        "tickSize": market.price_text(1, is_padded=True),
        "maxOpenOrders": 400,
        "feeCategory": "A",
        "orderTypes": ORDER_TYPES,
    }


def status(market: SimulatedMarket) -> str:
    """Return a market's status as the exchange names it."""
    if market.is_halted:
        return "halted"
    return "auction" if market.is_in_auction else "trading"


def asset_row(symbol: str) -> JsonRow:
    """Return a coin as `getAssets` lists it."""
    return {
        "symbol": symbol,
        "name": symbol.title(),
        "decimals": 2 if symbol == "EUR" else 8,
        "depositFee": "0",
        "depositConfirmations": 64,
        "depositStatus": "OK",
        "withdrawalFee": "12",
        "withdrawalMinAmount": "12",
        "withdrawalStatus": "OK",
        "networks": ["Mainnet"],
        "message": "",
    }


def price_row(market: SimulatedMarket) -> JsonRow:
    """Return a market's last price."""
    price = market.price_text(market.trades[-1].price)
    return {"market": market.listing.raw_symbol, "price": price}


def quote_row(market: SimulatedMarket) -> JsonRow:
    """Return a market's best quotes."""
    bid, bid_size = level(market, market.best_bid)
    ask, ask_size = level(market, market.best_ask)
    return {
        "market": market.listing.raw_symbol,
        "bid": bid,
        "bidSize": bid_size,
        "ask": ask,
        "askSize": ask_size,
    }


def candle(market: SimulatedMarket, start_ms: int, newest_first: list[Execution]) -> list[object]:
    """Return one candle made of these trades."""
    prices = [trade.price for trade in newest_first]
    texts = [market.price_text(p) for p in (prices[-1], max(prices), min(prices), prices[0])]
    return [start_ms, *texts, market.size_text(sum(trade.size for trade in newest_first))]
