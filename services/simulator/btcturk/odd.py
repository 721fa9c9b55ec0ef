"""Writes odd frames of BtcTurk, as they might look one day, with the same meaning."""

import random

import msgspec

Body = dict[str, object]


def write_oddly(frame: str, rng: random.Random) -> str:
    """Return a frame with empty lists null or missing, as such encoders write them.

    The time of a trade is in another unit or type, its id is a number, its side is none of two.
    """
    kind, body = msgspec.json.decode(frame, type=tuple[int, Body])
    for name in ("AO", "BO", "items"):
        if body.get(name) == []:
            body[name] = None
            if rng.random() < 0.5:  # noqa: PLR2004
                del body[name]
    time, number = body.get("D"), body.get("I")
    if isinstance(time, str) and isinstance(number, str):
        body["D"] = rng.choice([int(time), int(time) // 1000, int(time) / 1000, "soon", None])
        body["I"] = int(number)
        body["S"] = rng.choice([body["S"], 2, "1"])
    return msgspec.json.encode([kind, body]).decode()


def empty_sides(ticker: str) -> str:
    """Return a ticker whose sides are null, which means empty; only the true one may follow it."""
    kind, body = msgspec.json.decode(ticker, type=tuple[int, Body])
    return msgspec.json.encode([kind, {**body, **dict.fromkeys(("B", "BA", "A", "AA"))}]).decode()
