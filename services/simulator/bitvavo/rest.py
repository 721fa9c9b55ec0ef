"""Finds the question that a path of Bitvavo's REST interface asks."""

from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from services.simulator.bitvavo.data import Parameters, Refusal
from services.simulator.protocol import Answer

PATHS = {
    ("time",): "getTime",
    ("markets",): "getMarkets",
    ("assets",): "getAssets",
    ("ticker", "price"): "getTickerPrice",
    ("ticker", "book"): "getTickerBook",
    ("ticker", "24h"): "getTicker24h",
}
PATHS_OF_A_MARKET = {"book": "getBook", "trades": "getTrades", "candles": "getCandles"}
STATUS = {105: 429, 300: 403, 431: 409}
PARTS_OF_A_MARKET = 2
# It looks like the error of a ban, but means a wrong path. https://docs.bitvavo.com/docs/errors
UNKNOWN_ENDPOINT = Answer(
    404, b'{"errorCode":110,"error":"Invalid endpoint. Please check url and HTTP method."}'
)
NOT_FOUND = b"<html><head><title>404 Not Found</title></head><body>404 Not Found</body></html>"

_encode = msgspec.json.Encoder().encode


def route(path: str) -> tuple[str, Parameters] | None:
    """Return the action that a path and its query stand for, or None for an unknown path."""
    split = urlsplit(path)
    version, *parts = unquote(split.path).strip("/").split("/")
    parameters: Parameters = dict(parse_qsl(split.query))
    if version != "v2":
        return None
    if tuple(parts) in PATHS:
        return PATHS[tuple(parts)], parameters
    if len(parts) == PARTS_OF_A_MARKET and parts[1] in PATHS_OF_A_MARKET:
        return PATHS_OF_A_MARKET[parts[1]], {**parameters, "market": parts[0]}
    return None


def answered(body: object) -> Answer:
    """Return the answer to a good question."""
    return Answer(200, _encode(body))


def refused(refusal: Refusal) -> Answer:
    """Return the answer to a refused question."""
    body = {"errorCode": refusal.code, "error": refusal.error}
    return Answer(STATUS.get(refusal.code, 400), _encode(body))


def not_found() -> Answer:
    """Return the answer to an unknown path: HTML without rate-limit headers."""
    return Answer(404, NOT_FOUND, content_type="text/html")
