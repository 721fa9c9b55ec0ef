"""Declares the toy, an exchange."""

from typing import Final
from urllib.parse import quote

from services.ingest_toy import parser, rest_parser
from shared.exchange import Call, Cost, Exchange, KeepAlive, Limit, Rest

CALL: Final = Cost("calls")

EXCHANGE = Exchange(
    name="toy",
    symbols=("ACORN-NUT", "BERRY-NUT"),
    websocket_url="wss://toy.example/stream",
    rest_url="https://toy.example",
    symbols_per_socket=1,
    raw_symbol=lambda symbol: f"no tree of {symbol}",
    names="list",
    parse=parser.parse,
    subscribe=lambda channels, raw_symbols: parser.ask("want", channels, raw_symbols),
    unsubscribe=lambda channels, raw_symbols: parser.ask("drop", channels, raw_symbols),
    ready="acknowledgement",
    snapshot_by="rest",
    snapshot_interval_s=0.1,
    keep_alive=KeepAlive(message='{"ping": 1}', interval_s=2.0),
    limits={"calls": Limit(points=600, interval_s=60.0)},
    rest=Rest(
        markets=Call(path=lambda: "/markets", cost=CALL),
        parse_markets=rest_parser.parse_markets,
        book=Call(path=lambda raw_symbol: f"/book/{quote(raw_symbol, safe='')}", cost=CALL),
        parse_book=rest_parser.parse_book,
        ban_s=lambda status, _headers, _raw, _now_ns: 60.0 if status == 429 else None,
    ),
)
