"""BtcTurk's REST interface: its envelopes, its errors, its limits."""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import msgspec

from services.simulator.btcturk.feed import NS_PER_MS, WINDOW_LEVELS, trade_id
from services.simulator.digits import padded
from services.simulator.limits import UNLIMITED, Budget
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import Answer, Clock
from services.simulator.switches import Switches

PERIOD_S = 60
POINTS = {"/api/v2/orderbook": 180, "/api/v2/ticker": 600}
AMOUNT_DECIMALS = 8
TRADES_MAX = 50
INVALID_REQUEST = 1037

_encode = msgspec.json.Encoder().encode
_Row = dict[str, object]
_Parameters = dict[str, str]


class BtcturkRest:
    """Answer the public paths from the markets as they stand."""

    def __init__(
        self,
        markets: list[SimulatedMarket],
        switches: Switches,
        *,
        clock: Clock,
        is_limited: bool,
    ) -> None:
        self._switches = switches
        self._markets = {market.listing.raw_symbol: market for market in markets}
        self._clock = clock
        self._budgets = {
            path: Budget(
                points_max=points if is_limited else UNLIMITED,
                period_s=PERIOD_S,
                block_s=PERIOD_S,
                clock_ns=clock.ns,
            )
            for path, points in POINTS.items()
        }
        self._paths: dict[str, Callable[[_Parameters], Answer]] = {
            "/api/v2/orderbook": self._orderbook,
            "/api/v2/trades": self._trades,
            "/api/v2/ticker": self._ticker,
            "/api/v2/server/exchangeinfo": self._exchangeinfo,
            "/api/v2/server/time": self._time,
            "/api/v2/server/ping": self._ping,
        }

    def request(self, path: str) -> Answer:
        """Answer one GET."""
        split = urlsplit(path)
        where = split.path.rstrip("/")
        if instead := self._switches.answer_instead():
            return instead
        if where not in self._paths:
            return Answer(404, b"")
        budget = self._budgets.get(where)
        if budget is not None and not budget.spend(1):
            return _too_many(budget)
        return self._paths[where](dict(parse_qsl(split.query)))

    def _orderbook(self, parameters: _Parameters) -> Answer:
        limit = parameters.get("limit", str(WINDOW_LEVELS))
        if not parameters.get("pairSymbol") or not limit.isdecimal() or int(limit) < 1:
            return _invalid("INVALID_REQUEST_ERROR")
        market = self._find(parameters["pairSymbol"])
        if market is None:
            return _invalid(f"Pair {parameters['pairSymbol']} does not exists.")
        depth = min(int(limit), WINDOW_LEVELS)  # the exchange caps a larger limit
        data = {
            "timestamp": self._clock.ns() // NS_PER_MS,
            "bids": [_level(market, level) for level in market.bids(depth)],
            "asks": [_level(market, level) for level in market.asks(depth)],
        }
        # In this reply alone the code is a text.
        return _envelope(data, code="SUCCESS")

    def _trades(self, parameters: _Parameters) -> Answer:
        last = parameters.get("last", str(TRADES_MAX))
        if not parameters.get("pairSymbol") or not last.isdecimal():
            return _invalid("INVALID_REQUEST_ERROR")
        market = self._find(parameters["pairSymbol"])
        if market is None:
            return _invalid(f"Pair {parameters['pairSymbol']} does not exists.")
        count = min(int(last), TRADES_MAX)
        return _envelope(
            [
                {
                    **_names(market),
                    "numerator": market.listing.base,
                    "denominator": market.listing.quote,
                    "date": trade.ts // NS_PER_MS,
                    "tid": trade_id(market, trade),
                    "price": market.price_text(trade.price),
                    "amount": _amount(market, trade.size),
                    "side": "buy" if trade.is_buy else "sell",
                }
                for trade in list(market.trades)[: -count - 1 : -1]
                if trade.ts >= self._switches.ts_trades
            ]
        )

    def _ticker(self, parameters: _Parameters) -> Answer:
        markets = list(self._markets.values())
        if "pairSymbol" in parameters:
            found = self._find(parameters["pairSymbol"])
            markets = [found] if found else []  # an unknown pair has an empty list
        now_ms = self._clock.ns() // NS_PER_MS
        return _envelope([_ticker_row(market, now_ms) for market in markets])

    def _exchangeinfo(self, parameters: _Parameters) -> Answer:
        del parameters
        listings = [market.listing for market in self._markets.values()]
        coins = dict.fromkeys(
            coin for listing in listings for coin in (listing.quote, listing.base)
        )
        return _envelope(
            {
                "timeZone": "UTC",
                "serverTime": self._clock.ns() // NS_PER_MS,
                "symbols": [_symbol_row(market) for market in self._markets.values()],
                "currencies": [_currency_row(id_, coin) for id_, coin in enumerate(coins, 1)],
                "currencyOperationBlocks": [
                    {
                        "currencySymbol": coin.title(),
                        "withdrawalDisabled": False,
                        "depositDisabled": False,
                    }
                    for coin in coins
                ],
            },
            message="",
            headers={"Cache-Control": "public, max-age=30"},
        )

    def _time(self, parameters: _Parameters) -> Answer:
        del parameters
        now = self._clock.ns()
        iso = datetime.fromtimestamp(now // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        text = f"{iso}.{now % 10**9 // 100:07d}+00:00"
        return Answer(200, _encode({"serverTime": now // NS_PER_MS, "serverTime2": text}))

    def _ping(self, parameters: _Parameters) -> Answer:
        del parameters
        return Answer(200, _encode({"pong": True}))

    def _find(self, name: str) -> SimulatedMarket | None:
        return self._markets.get(name.upper().replace("_", ""))


def _envelope(
    data: object,
    *,
    code: int | str = 0,
    message: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    body = {"data": data, "success": True, "message": message, "code": code}
    return Answer(200, _encode(body), headers=headers or {})


def _invalid(message: str) -> Answer:
    return Answer(400, _encode({"success": False, "message": message, "code": INVALID_REQUEST}))


def _too_many(budget: Budget) -> Answer:
    body = {
        "message": "TOO_MANY_REQUESTS",
        "success": False,
        "code": 429,
        "details": f"Quota exceeded. Maximum allowed: {budget.points_max} per 1m.",
        "limit": str(budget.points_max),
        "period": "1m",
        "policy": "ip",
    }
    return Answer(429, _encode(body), headers={"Retry-After": str(budget.retry_after_s)})


def _level(market: SimulatedMarket, level: tuple[int, int]) -> tuple[str, str]:
    return market.price_text(level[0]), _amount(market, level[1])


def _amount(market: SimulatedMarket, units: int) -> str:
    """Return an amount padded to 8 decimals, as REST does; the few longer ones stay longer."""
    text = padded(units, market.listing.size_decimals)
    return text.removesuffix("0" * (market.listing.size_decimals - AMOUNT_DECIMALS))


def _names(market: SimulatedMarket) -> _Row:
    listing = market.listing
    return {"pair": listing.raw_symbol, "pairNormalized": f"{listing.base}_{listing.quote}"}


def _raw(text: str) -> msgspec.Raw:
    """Return a decimal text as a JSON number."""
    return msgspec.Raw(text.encode())


def _ticker_row(market: SimulatedMarket, now_ms: int) -> _Row:
    listing = market.listing
    last = market.trades[-1].price
    change = last - market.open
    average = market.turnover // max(1, market.volume)

    def number(ticks: int) -> msgspec.Raw:
        return _raw(("-" if ticks < 0 else "") + market.price_text(abs(ticks)))

    return {
        **_names(market),
        "timestamp": now_ms,
        "last": number(last),
        "high": number(market.high),
        "low": number(market.low),
        "bid": number(market.best_bid[0]),
        "ask": number(market.best_ask[0]),
        "open": number(market.open),
        "volume": _raw(market.size_text(market.volume)),
        "average": number(average),
        "daily": number(change),
        "dailyPercent": round(100 * change / market.open, 2),
        "denominatorSymbol": listing.quote,
        "numeratorSymbol": listing.base,
        "order": 1000 + listing.number,
    }


def _status(market: SimulatedMarket) -> str:
    """Return a status; on the wire we have only seen TRADING."""
    if market.is_halted:
        return "HALTED"
    return "AUCTION" if market.is_in_auction else "TRADING"


def _symbol_row(market: SimulatedMarket) -> _Row:
    listing = market.listing
    price_filter: _Row = {
        "filterType": "PRICE_FILTER",
        "minPrice": "0.0000000000001",
        "maxPrice": "10000000",
        # A step for display: the book's own steps are finer.
        "tickSize": "10" if listing.price_decimals == 0 else market.price_text(1),
        "minExchangeValue": "99.91",
        "minAmount": None,
        "maxAmount": None,
    }
    names = _names(market)
    return {
        "id": listing.number,
        "name": names["pair"],
        "nameNormalized": names["pairNormalized"],
        "status": _status(market),
        "numerator": listing.base,
        "denominator": listing.quote,
        "numeratorScale": 8,
        "denominatorScale": listing.price_decimals,
        "hasFraction": listing.price_decimals > 0,
        "filters": [price_filter],
        "orderMethods": ["MARKET", "LIMIT", "STOP_MARKET", "STOP_LIMIT"],
        "displayFormat": "#,###",
        "commissionFromNumerator": False,
        "order": 1000 + listing.number,
        "priceRounding": False,
        "isNew": False,
        "marketPriceWarningThresholdPercentage": 0.25,
        "maximumOrderAmount": None,
        "maximumLimitOrderPrice": _raw(market.price_text(listing.price_ticks * 10)),
        "minimumLimitOrderPrice": _raw(market.price_text(max(1, listing.price_ticks // 10))),
    }


def _currency_row(id_: int, coin: str) -> _Row:
    return {
        "id": id_,
        "symbol": coin,
        "minWithdrawal": 0.0005,
        "minDeposit": 0.0001,
        "precision": 8,
        "address": {"minLen": 25, "maxLen": 96},
        "currencyType": "FIAT" if coin == "TRY" else "CRYPTO",
        "tag": {"enable": False, "name": None, "minLen": None, "maxLen": None},
        "color": "#04964e",
        "name": coin.title(),
        "isAddressRenewable": False,
        "getAutoAddressDisabled": True,
        "isPartialWithdrawalEnabled": True,
        "isNew": False,
    }
