"""The listing of the simulated BtcTurk: its pairs, the busiest first."""

import math
from collections.abc import Iterator
from typing import Final

from services.simulator import listing
from services.simulator.listing import Listing

SYMBOLS_MAX: Final = 379


def list_markets(count: int, *, levels: int) -> list[Listing]:
    """Return the busiest `count` pairs, half in TRY and half in USDT."""
    listings = []
    for index, (base, quote) in enumerate(listing.first(_pairs(), count)):
        price = listing.price(base, quote)
        decimals = max(0, min(8, 4 - math.floor(math.log10(price))))
        listings.append(
            Listing(
                raw_symbol=f"{base}{quote}",
                base=base,
                quote=quote,
                number=index + 1,
                price_ticks=listing.ticks(price, decimals, 1),
                tick_units=1,
                price_decimals=decimals,
                # A few amounts have 12 digits on the wire, most have 8.
                size_decimals=12,
                messages_per_s=1.04 * math.exp(-index / 180),
                operations=3.8,
                levels=listing.depth(levels, index),
            )
        )
    return listings


def _pairs() -> Iterator[tuple[str, str]]:
    # The default pairs come first; then the busy ones of both quotes by turns.
    bases = listing.bases(SYMBOLS_MAX // 2 + 2)
    in_dollars = [base for base in bases if base != "USDT"]
    yield from ((base, "TRY") for base in bases[:3])
    yield in_dollars[0], "USDT"
    for dollar, lira in zip(in_dollars[1:], bases[3:], strict=False):
        yield dollar, "USDT"
        yield lira, "TRY"
