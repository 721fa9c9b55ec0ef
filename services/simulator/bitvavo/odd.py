"""Writes odd messages of Bitvavo, as they might look one day, with the same meaning."""

import random

import msgspec

Message = dict[str, object]


def write_oddly(message: str, rng: random.Random) -> str:
    """Return a message with its time in another unit or type, its levels with a third item.

    A side without changes is null or missing; a price comes twice, the second time as it is.
    """
    body = msgspec.json.decode(message, type=Message)
    time = body.get("timestamp")
    if isinstance(time, int):
        seconds = time / (1e9 if time > 10**15 else 1e3)
        body["timestamp"] = rng.choice([int(seconds), seconds, str(time), -1, "soon", None])
    for side in ("bids", "asks"):
        levels = body.get(side)
        if isinstance(levels, list) and levels:
            first = [levels[0][0], "0.12345"]
            body[side] = [first, *([*level, rng.randrange(9)] for level in levels)]
        elif levels == []:
            body[side] = None
            if rng.random() < 0.5:  # noqa: PLR2004
                del body[side]
    return msgspec.json.encode(body).decode()


def empty_sides(ticker: str) -> str:
    """Return a ticker whose sides are null, which means empty; only the true one may follow it."""
    body = msgspec.json.decode(ticker, type=Message)
    sides = {key: None for key in body if key.startswith(("bestBid", "bestAsk"))}
    return msgspec.json.encode({**body, **sides}).decode()
