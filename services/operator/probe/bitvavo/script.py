"""The script of Bitvavo's probe: its requests, in order."""

from collections.abc import Callable, Iterator
from typing import Final

from services.operator.probe.bitvavo.second import DEPTH, BitvavoReading
from services.operator.probe.bitvavo.talk import BAD_NAME, UNKNOWN_PATH
from services.operator.probe.steps import Close, Get, Open, Send, Step, Wait, encode
from shared.exchange import Cost

POINT: Final = Cost("points", 1)
LIST: Final = Cost("points", 5)
CHANNELS: Final = ("book", "trades", "ticker")
ROUND_S: Final = 2.0
ANSWER_S: Final = 1.0
BUSY_MAX: Final = 3
STILL_MAX: Final = 5
REFUSALS_MAX: Final = 5
LONG_AGO: Final = 60_000  # trades of the busiest market: more than the day that lists cover
UNKNOWN_ID: Final = "00000000-0000-0000-0000-000000000001"


def play(reading: BitvavoReading, minutes: float, elapsed_s: Callable[[], float]) -> Iterator[Step]:
    """Yield the steps; each finds the results of earlier ones in `reading`."""
    yield Get("/markets", POINT)
    names = [name for name, status in reading.statuses.items() if status == "trading"]
    yield from _begin(reading, names)
    for name in names:
        yield from _ask_book("a", name)
    yield Wait(3 * ANSWER_S)
    busy = [name for name, _ in reading.events.most_common(BUSY_MAX)] or names[:BUSY_MAX]
    yield from _count_points(busy)
    for name in busy[:2]:
        yield from _ask_trades(reading, name)
    yield from _try_second_socket(busy)
    yield from _reconnect()
    yield from _ask_still(reading)
    yield Get(UNKNOWN_PATH, POINT)
    number = 0
    while elapsed_s() < minutes * 60:
        if "a" not in reading.open:
            yield from _begin(reading, names)
        name = names[number % len(names)] if number % 2 else busy[number // 2 % len(busy)]
        yield from _ask_book("a", name)
        # A quiet market has not moved on by the time its answer is compared.
        yield Get(f"/{names[-1 - number % len(names)]}/book?depth={DEPTH}", POINT)
        yield Wait(ROUND_S)
        number += 1


def _begin(reading: BitvavoReading, names: list[str]) -> Iterator[Step]:
    """Subscribe to everything with one frame, without the refused markets."""
    yield Open("a")
    yield Wait(ANSWER_S)
    for _ in range(REFUSALS_MAX):
        before = len(reading.refused)
        yield Send("a", _subscribe(names), POINT)
        yield Wait(2 * ANSWER_S)
        if len(reading.refused) == before:
            break
        names[:] = [name for name in names if name not in reading.refused]


def _ask_book(door: str, name: str) -> Iterator[Step]:
    yield Send(door, encode({"action": "getBook", "market": name, "depth": DEPTH}), POINT)


def _count_points(busy: list[str]) -> Iterator[Step]:
    """Read the points left before and after questions over the socket; twice, as minutes end."""
    for _ in range(2):
        yield Get("/time", POINT)
        for _ in range(5):
            yield from _ask_book("a", busy[0])
        yield Wait(2 * ANSWER_S)
        yield Get("/time", POINT)
        yield Wait(ANSWER_S)


def _ask_trades(reading: BitvavoReading, name: str) -> Iterator[Step]:
    yield Get("/time", POINT)
    yield Get(f"/{name}/trades?limit=10", LIST)
    ids = reading.trades.get(name, [])
    if ids:
        yield Get(f"/{name}/trades?limit=1000&tradeIdFrom={ids[len(ids) // 2]}", LIST)
        head, _, number = ids[-1].rpartition("-")
        try:
            old = f"{head}-{max(int(number, 16) - LONG_AGO, 1):012x}"
        except ValueError:
            old = UNKNOWN_ID
        yield Get(f"/{name}/trades?limit=1000&tradeIdFrom={old}", LIST)
    yield Get(f"/{name}/trades?limit=1000&tradeIdFrom={UNKNOWN_ID}", LIST)


def _try_second_socket(busy: list[str]) -> Iterator[Step]:
    yield Open("b")
    yield Wait(ANSWER_S)
    yield Send("b", _subscribe([busy[0], BAD_NAME]), POINT)
    yield Wait(ANSWER_S)
    yield Send("b", _subscribe(busy), POINT)
    yield Wait(ANSWER_S)
    for name in busy:
        yield from _ask_book("b", name)
    yield Wait(3 * ANSWER_S)
    yield Send("b", _subscribe(busy), POINT)  # once more
    yield Wait(5 * ANSWER_S)
    yield Send("b", _subscribe(busy[:1], action="unsubscribe"), POINT)
    yield Wait(5 * ANSWER_S)
    yield Send("b", _subscribe(busy[:1]), POINT)
    yield Wait(5 * ANSWER_S)


def _reconnect() -> Iterator[Step]:
    for number in range(3):
        yield Open(f"c{number}")
        yield Wait(2 * ANSWER_S)
        yield Close(f"c{number}")


def _ask_still(reading: BitvavoReading) -> Iterator[Step]:
    still = [name for name, status in reading.statuses.items() if status != "trading"]
    for name in still[:STILL_MAX]:
        yield from _ask_book("b", name)
        yield Wait(ANSWER_S)
        yield Send("b", _subscribe([name]), POINT)
        yield Wait(ANSWER_S)


def _subscribe(names: list[str], *, action: str = "subscribe") -> str:
    channels = [{"name": channel, "markets": names} for channel in CHANNELS]
    return encode({"action": action, "channels": channels})
