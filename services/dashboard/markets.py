"""Chooses the markets whose books the page shows: the configured ones, or those viewers want."""

from collections.abc import Iterable, Sequence
from typing import Final

from services.dashboard.sight import Markets
from shared.process.live_books import SYMBOLS_MAX

SHOWN_EACH: Final = 2  # ladders of each exchange, if the configuration names none


def find_shown(configured: Sequence[str], spread: Sequence[str], markets: Markets) -> list[str]:
    """Return the markets whose ladders a viewer sees first."""
    if configured:
        return list(configured)
    shown = []
    for exchange, symbols in markets.items():
        of_spread = [market for market in spread if split_market(market)[0] == exchange]
        names = [*of_spread, *(f"{exchange}:{symbol}" for symbol in symbols)]
        shown += list(dict.fromkeys(names))[:SHOWN_EACH]
    return shown


def find_wanted(lists: Iterable[Sequence[str]], exchanges: Sequence[str]) -> Markets:
    """Return each exchange's wanted symbols, the first lists first, a bounded number.

    An exchange without a wanted symbol is included, for it lists the symbols that it has.
    """
    wanted: dict[str, dict[str, None]] = {exchange: {} for exchange in exchanges}
    for markets in lists:
        for market in markets:
            exchange, symbol = split_market(market)
            chosen = wanted.get(exchange)
            if chosen is not None and len(chosen) < SYMBOLS_MAX:
                chosen[symbol] = None
    return {exchange: list(symbols) for exchange, symbols in wanted.items()}


def split_market(market: str) -> tuple[str, str]:
    """Return exchange and symbol of a market such as "bitvavo:BTC-EUR"."""
    exchange, _, symbol = market.partition(":")
    return exchange, symbol
