"""The listing of the simulated Bitvavo: its markets, the busiest first."""

import math
from collections.abc import Iterator
from typing import Final

from services.simulator import listing
from services.simulator.listing import Listing

SYMBOLS_MAX: Final = 437
_USDC_MARKETS: Final = 11
# The busiest books are deeper than one snapshot; the others fit in one.
_DEEP_MARKETS: Final = 4
_DEEPER: Final = 5


def list_markets(count: int, *, levels: int) -> list[Listing]:
    """Return the busiest `count` markets; all 437 together make about 1,000 events a second.

    `levels` is the depth of a side in the busiest books; all others are a fifth as deep or thinner.
    """
    listings = []
    for index, (base, quote) in enumerate(listing.first(_pairs(), count)):
        price = listing.price(base, quote)
        # About five digits lead the price; the text has a digit more than the tick, as on the wire.
        most = levels if index < _DEEP_MARKETS else max(min(levels, 25), levels // _DEEPER)
        decimals = max(2, min(10, 5 - math.floor(math.log10(price))))
        tick_units = 100 if base == "BTC" else 10
        listings.append(
            Listing(
                raw_symbol=f"{base}-{quote}",
                base=base,
                quote=quote,
                number=431 + index,
                price_ticks=listing.ticks(price, decimals, tick_units),
                tick_units=tick_units,
                price_decimals=decimals,
                size_decimals=listing.size_decimals(price),
                messages_per_s=9.7 * math.exp(-index / 104),
                operations=3.1,
                levels=listing.depth(most, index),
            )
        )
    return listings


def _pairs() -> Iterator[tuple[str, str]]:
    euro_markets = SYMBOLS_MAX - _USDC_MARKETS
    for base in listing.bases(euro_markets):
        yield base, "EUR"
    for base in listing.bases(_USDC_MARKETS):
        yield base, "USDC"
