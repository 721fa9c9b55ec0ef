"""Writes the sample tape: five minutes of two exchanges that follow one price, with arbitrage."""

from math import exp
from pathlib import Path
from random import Random
from typing import Final

from msgspec import Struct

from booktape.errors import BooktapeError
from booktape.sample.flushes import cut_flushes
from booktape.sample.market import STEP_US, make_history
from booktape.sample.story import (
    BITVAVO,
    BTCTURK,
    FIRST,
    HALT,
    LAST,
    NOON,
    SECOND,
    Histories,
    tell_story,
)

FLUSH_US: Final = 60 * SECOND
SEED: Final = 7
_TURNS: Final = (LAST - FIRST) // STEP_US + 1
# The greatest difference of a coin's price in lira from its price in euros, as a share: more than
# all fees together.
_PREMIUM: Final = 0.001
_BUMPS: Final = ((45.0, 0.016), (216.0, -0.018))
_BUMP_S: Final = 12.0


class _Market(Struct, frozen=True):
    """The form of a market: usual sizes of its levels, decimals of its prices."""

    exchange: str
    symbol: str
    typical_size: float
    price_decimals: int


_MARKETS: Final = (
    _Market(BITVAVO, "BTC-EUR", 0.08, 0),
    _Market(BITVAVO, "ETH-EUR", 1.5, 1),
    _Market(BITVAVO, "USDT-EUR", 9_000.0, 5),
    _Market(BTCTURK, "BTC-TRY", 0.03, 0),
    _Market(BTCTURK, "ETH-TRY", 0.6, 0),
    _Market(BTCTURK, "USDT-TRY", 12_000.0, 3),
)


def write_sample(root: Path, *, seed: int = SEED) -> list[str]:
    """Write the sample tape into a new or empty folder; return its sessions' names.

    The same seed and the same pyarrow give the same bytes.
    """
    if root.exists() and any(root.iterdir()):
        raise BooktapeError(f"{root} is not empty; name a new folder for the sample")
    histories = make_histories(seed)
    recordings = tell_story(histories)
    for recording in recordings:
        events = recording.number()
        flushes = cut_flushes(recording.session, recording.exchange, events, interval_us=FLUSH_US)
        for flush in flushes:
            flush.write(root)
    return [recording.session for recording in recordings]


def make_histories(seed: int) -> Histories:
    """Return the history of each market, by exchange and symbol."""
    random = Random(seed)  # noqa: S311 (a market needs chance, not secrecy)
    mids = _make_mids(random)
    return {
        (market.exchange, market.symbol): make_history(
            market.symbol,
            mids[market.symbol],
            start_us=FIRST,
            typical_size=market.typical_size,
            price_decimals=market.price_decimals,
            quiet=_quiet_turns(market.symbol),
            random=random,
        )
        for market in _MARKETS
    }


def _make_mids(random: Random) -> dict[str, list[float]]:
    """Return the middle of each market in each turn; both exchanges follow one price."""
    euro = {"BTC": _walk(random, 92_400.0, 4e-5), "ETH": _walk(random, 3_150.0, 5e-5)}
    usdt_eur, usdt_try = _walk(random, 0.9215, 4e-6), _walk(random, 42.31, 6e-6)
    mids = {"USDT-EUR": usdt_eur, "USDT-TRY": usdt_try}
    for base, prices in euro.items():
        mids[f"{base}-EUR"] = prices
        mids[f"{base}-TRY"] = [
            price * lira / dollar * (1 + _premium_at(turn))
            for turn, (price, lira, dollar) in enumerate(
                zip(prices, usdt_try, usdt_eur, strict=True)
            )
        ]
    return mids


def _walk(random: Random, price: float, step: float) -> list[float]:
    prices = [price]
    while len(prices) < _TURNS:
        prices.append(prices[-1] * (1 + random.gauss(0.0, step)))
    return prices


def _premium_at(turn: int) -> float:
    after_noon_s = (FIRST + turn * STEP_US - NOON) / SECOND
    bumps = (peak * exp(-(((after_noon_s - at) / _BUMP_S) ** 2)) for at, peak in _BUMPS)
    return _PREMIUM + sum(bumps)


def _quiet_turns(symbol: str) -> range:
    if symbol != "ETH-EUR":
        return range(0)
    offset = (NOON - FIRST) // SECOND
    turns = SECOND // STEP_US
    return range((HALT.start + offset) * turns, (HALT.stop + offset) * turns)
