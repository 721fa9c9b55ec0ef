"""Declares BtcTurk, an exchange."""

from urllib.parse import urlencode

from services.ingest_btcturk import parser, rest_parser
from shared.exchange import TICKER, Call, Cost, Exchange, Limit, OneByOne, Rest

EXCHANGE = Exchange(
    name="btcturk",
    symbols=("BTC-TRY", "ETH-TRY", "USDT-TRY"),
    websocket_url="wss://ws-feed-pro.btcturk.com/",
    rest_url="https://api.btcturk.com",
    whole_channels=(TICKER,),
    read_interval_ms=20.0,  # many sockets with a few dozen messages a second each
    # 401 may lack pairs, and may stay silent altogether: nobody knows.
    alone=OneByOne(
        subscribe=parser.subscribe_alone,
        unsubscribe=parser.unsubscribe_alone,
        renew=parser.renew_all,
    ),
    symbols_per_socket=50,  # its staff's advice: github.com/BTCTrader/broker-api-docs/issues/552
    raw_symbol=lambda symbol: symbol.replace("-", ""),
    parse=parser.parse,
    subscribe=parser.subscribe,
    unsubscribe=parser.unsubscribe,
    ready="data",
    snapshot_by="first",
    depth=rest_parser.DEPTH,
    # https://docs.btcturk.com/rate-limits; for trades, the limit of the older path.
    limits={
        "connects": Limit(points=15, interval_s=60.0),
        "orderbook": Limit(points=180, interval_s=60.0),
        "trades": Limit(points=90, interval_s=60.0),
    },
    connect_cost=Cost("connects"),
    rest=Rest(
        markets=Call(path=lambda: "/api/v2/server/exchangeinfo"),
        parse_markets=rest_parser.parse_markets,
        book=Call(
            path=lambda raw_symbol: (
                "/api/v2/orderbook?"
                + urlencode({"pairSymbol": raw_symbol, "limit": rest_parser.DEPTH})
            ),
            cost=Cost("orderbook"),
        ),
        parse_book=rest_parser.parse_book,
        trades=Call(
            path=lambda raw_symbol, _outage, _ts: (
                "/api/v2/trades?"
                + urlencode({"pairSymbol": raw_symbol, "last": rest_parser.TRADES_MAX})
            ),
            cost=Cost("trades"),
        ),
        parse_trades=rest_parser.parse_trades,
        ban_s=rest_parser.ban_s,
    ),
)
