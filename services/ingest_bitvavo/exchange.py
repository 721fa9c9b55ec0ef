"""Declares Bitvavo, an exchange."""

from typing import Final
from urllib.parse import quote

from services.ingest_bitvavo import parser
from shared.exchange import Call, Cost, Exchange, Limit, Rest

# https://docs.bitvavo.com/docs/rate-limits
POINT: Final = Cost("points", 1)
TRADES_COST: Final = Cost("points", 5)
POINTS: Final = Limit(points=1000, interval_s=60.0)

EXCHANGE = Exchange(
    name="bitvavo",
    symbols=("BTC-EUR", "ETH-EUR", "USDT-EUR"),
    websocket_url="wss://ws.bitvavo.com/v2/",
    rest_url="https://api.bitvavo.com/v2",
    symbols_per_socket=500,
    read_interval_ms=2.0,  # a thousand messages a second, each with the changes of 100 ms
    raw_symbol=str,  # Bitvavo writes BASE-QUOTE as we do
    parse=parser.parse,
    subscribe=parser.subscribe,
    unsubscribe=parser.unsubscribe,
    subscribe_cost=POINT,
    ready="acknowledgement",
    snapshot_by="message",
    request_snapshot=parser.request_snapshot,
    snapshot_cost=POINT,
    snapshot_interval_s=0.2,
    depth=parser.DEPTH,
    limits={"points": POINTS},
    rest=Rest(
        markets=Call(path=lambda: "/markets", cost=POINT),
        parse_markets=parser.parse_markets,
        book=Call(
            path=lambda raw_symbol: f"/{quote(raw_symbol, safe='')}/book?depth={parser.DEPTH}",
            cost=POINT,
        ),
        parse_book=parser.parse_book,
        trades=Call(
            path=lambda raw_symbol, outage, ts: (
                f"/{quote(raw_symbol, safe='')}/trades?{parser.trades_query(outage, ts)}"
            ),
            cost=TRADES_COST,
        ),
        parse_trades=parser.parse_trades,
        trades_reach_s=parser.TRADES_REACH_S,
        ban_s=parser.ban_s,
    ),
)
