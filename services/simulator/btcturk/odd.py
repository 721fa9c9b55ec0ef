"""Writes odd frames of BtcTurk, as they might look one day, with the same meaning."""

import random

import msgspec

Body = dict[str, object]


def write_oddly(frame: str, rng: random.Random) -> str:
    """Return a frame with empty sides null or missing, as such encoders write them.

    The time of a trade is in another unit or type, its id is a number, its side is none of two.
    """
    kind, body = msgspec.json.decode(frame, type=tuple[int, Body])
    for side in ("AO", "BO"):
        if body.get(side) == []:
            body[side] = None
            if rng.random() < 0.5:  # noqa: PLR2004
                del body[side]
    time, number = body.get("D"), body.get("I")
    if isinstance(time, str) and isinstance(number, str):
        body["D"] = rng.choice([int(time), int(time) // 1000, int(time) / 1000, "soon", None])
        body["I"] = int(number)
        body["S"] = rng.choice([body["S"], 2, "1"])
    return msgspec.json.encode([kind, body]).decode()
