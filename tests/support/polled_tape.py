"""A tape of polled books: whole, one-sided and empty ones, and polls that fail for a while."""

import random
from pathlib import Path

from tests.support.hand_tape import BTC, ETH, A, Event, HandTape, feed, snapshot, trade

DATE = "2026-11-22"
MARKETS = f"bitvavo:{BTC}", f"bitvavo:{ETH}"
SECONDS = 180
FAILED = range(60, 75)  # seconds
LEVELS = 12


def write_polled(root: Path) -> None:
    """Write a tape on which each book is asked for each second."""
    chance = random.Random(11)
    tape = HandTape(root)
    events: list[Event] = [feed(0, "session_start", transport="rest")]
    middle = 1_000
    for second in range(1, SECONDS):
        if second in FAILED:
            events.append(feed(second, "rate_limited"))
            continue
        for symbol in (BTC, ETH):
            middle += chance.randrange(-3, 4)
            levels = _draw(chance, middle)
            events.append(snapshot(second, len(events), *levels, symbol=symbol))
        for symbol in (BTC, ETH):
            side = chance.choice(("buy", "sell"))
            sold = trade(second + 0.5, f"t{second}", event=second + 0.4, side=side, symbol=symbol)
            events.append(sold)
    events.append(feed(SECONDS, "session_end", reason="stopped"))
    tape.write(A, *events)


def _draw(chance: random.Random, middle: int) -> list[tuple[str, float, float]]:
    """Return a book's levels; now and then of one side alone, or none."""
    bids = [("bid", (middle - 1 - n) / 2, chance.randrange(1, 99) / 8) for n in range(LEVELS)]
    asks = [("ask", (middle + 1 + n) / 2, chance.randrange(1, 99) / 8) for n in range(LEVELS)]
    return chance.choice([bids + asks] * 6 + [bids, asks, []])
