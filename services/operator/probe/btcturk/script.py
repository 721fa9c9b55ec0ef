"""The script of BtcTurk's probe: its requests, in order."""

from collections.abc import Callable, Iterator
from typing import Final

from services.operator.probe.btcturk.second import PAIRS_PATH, BtcturkReading
from services.operator.probe.btcturk.talk import CROWDS, NOBODY
from services.operator.probe.steps import Close, Get, Open, Send, Step, Wait, encode
from shared.exchange import Cost

CONNECT: Final = Cost("connects")
BOOK: Final = Cost("orderbook")
LIST: Final = Cost("trades")
PAIRS_A_SOCKET: Final = 50
BUSY_MAX: Final = 3
SETTLE_S: Final = 3.0
ROUND_S: Final = 4.0
CROWD_S: Final = 10.0
RESYNC_EVERY: Final = 4  # rounds
TICKERS: Final = "t"


def play(reading: BtcturkReading, minutes: float, elapsed_s: Callable[[], float]) -> Iterator[Step]:
    """Yield the steps; each finds the results of earlier ones in `reading`."""
    yield Get(PAIRS_PATH)
    pairs = [pair for pair, status in reading.pairs.items() if status == "TRADING"]
    yield from _begin(reading, pairs)
    yield Wait(SETTLE_S)
    busy = [pair for pair, _ in reading.events.most_common(BUSY_MAX)] or pairs[:BUSY_MAX]
    yield from _try_joins(busy)
    for pair in busy:
        yield from _resync(reading, pair)
        yield from _ask(pair)
    for door, most in zip(CROWDS, (50, 200, len(pairs)), strict=True):
        yield Open(door, CONNECT)
        for pair in pairs[:most]:
            yield _join(door, "obdiff", pair)
        yield Wait(CROWD_S)
        yield Close(door)
    number = 0
    while elapsed_s() < minutes * 60:
        yield from _begin(reading, pairs)
        pair = busy[number % len(busy)]
        if number % RESYNC_EVERY:
            yield Get(f"/api/v2/orderbook?pairSymbol={pair}&limit=100", BOOK)
            yield Wait(ROUND_S)
        else:
            yield from _resync(reading, pair)
        number += 1


def _begin(reading: BtcturkReading, pairs: list[str]) -> Iterator[Step]:
    """Open each socket that is closed: one for all tickers, one for each fifty pairs."""
    if TICKERS not in reading.open:
        yield Open(TICKERS, CONNECT)
        yield _join(TICKERS, "ticker", "all")
    for number in range(0, len(pairs), PAIRS_A_SOCKET):
        door = f"a{number // PAIRS_A_SOCKET}"
        if door in reading.open:
            continue
        yield Open(door, CONNECT)
        for pair in pairs[number : number + PAIRS_A_SOCKET]:
            yield _join(door, "obdiff", pair)
            yield _join(door, "trade", pair)


def _try_joins(busy: list[str]) -> Iterator[Step]:
    """Ask a second socket for a missing pair, and for others twice."""
    yield Open("b", CONNECT)
    yield _join("b", "obdiff", NOBODY)
    for pair in busy:
        yield _join("b", "obdiff", pair)
    yield Wait(SETTLE_S)
    yield _join("b", "obdiff", busy[0])
    yield Wait(SETTLE_S)


def _resync(reading: BtcturkReading, pair: str) -> Iterator[Step]:
    """Leave and join again on the socket that brings the pair's book."""
    door = reading.homes.get(pair, "a0")
    yield _join(door, "obdiff", pair, join=False)
    yield _join(door, "obdiff", pair)
    yield Wait(ROUND_S)


def _ask(pair: str) -> Iterator[Step]:
    yield Get(f"/api/v2/orderbook?pairSymbol={pair}&limit=100", BOOK)
    yield Get(f"/api/v2/trades?pairSymbol={pair}&last=50", LIST)
    yield Wait(ROUND_S)


def _join(door: str, channel: str, event: str, *, join: bool = True) -> Send:
    return Send(
        door, encode([151, {"type": 151, "channel": channel, "event": event, "join": join}])
    )
