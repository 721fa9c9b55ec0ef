"""Makes the messages of a simulated Bitvavo market without waiting for them."""

import random
from collections.abc import Callable
from functools import cache

import msgspec
from msgspec import Struct

from services.simulator.bitvavo.listing import SYMBOLS_MAX, list_markets
from services.simulator.bitvavo.protocol import Bitvavo
from services.simulator.connection import ClientConnection
from services.simulator.faults import Faults, FaultTimes
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import Clock
from services.simulator.simulation import BUCKET_S, Simulation
from services.simulator.truth import Truth

SYMBOLS = SYMBOLS_MAX
LEVELS = 2_500  # a side, of the four busiest books; of the others a fifth and less
RATE = 1000.0  # book messages a second: the live mean of all markets
MINUTES_5 = 300.0
TS_START = 1_790_000_000_000_000_000  # a Monday in September 2026
# The simulator moves several markets at once; without a spread their messages would share one
# receive time, which takes fewer bytes than on the wire.
_SPREAD_NS = int(BUCKET_S * 1e9)

_encode = msgspec.json.encode


class Traffic(Struct, frozen=True):
    """All messages to one client: first the answers to its requests, then the changes."""

    symbols: list[str]
    acknowledgement: bytes
    snapshots: dict[str, bytes]  # the answers to `getBook`
    deltas: list[bytes]
    times: list[int]  # the receive time of each change, UTC ns

    def cut(self, count: int) -> "Traffic":
        """Return the same with only the first changes."""
        return msgspec.structs.replace(self, deltas=self.deltas[:count], times=self.times[:count])


class _Now:
    """A clock that moves only on request."""

    def __init__(self) -> None:
        self.s = 0.0

    def ns(self) -> int:
        return TS_START + int(self.s * 1e9)


class _Tape:
    """A socket that keeps the messages written to it."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def write(self, message: str | bytes) -> bool:
        self.messages.append(message.encode() if isinstance(message, str) else message)
        return True

    def close(self, code: int) -> None:
        """Do nothing: nothing here closes."""

    def abort(self) -> None:
        """Do nothing: nothing here is slow."""

    def leave_pings_unanswered(self, on_withheld: Callable[[], None] | None) -> None:
        """Do nothing: this world has no faults."""


@cache
def make_traffic(
    seconds: float = MINUTES_5, *, rate: float = RATE, seed: int = 1, count: int = SYMBOLS
) -> Traffic:
    """Return that many seconds of the books of so many markets; the same for the same seed."""
    now = _Now()
    clock = Clock(ns=now.ns, monotonic=lambda: now.s)
    truth = Truth(None, clock_ns=now.ns)
    listings = list_markets(count, levels=LEVELS)
    markets = [SimulatedMarket(one, seed=seed, ts=now.ns()) for one in listings]
    exchange = Bitvavo(
        markets,
        clock=clock,
        later=lambda _, callback: callback(),
        rng=random.Random(f"{seed} exchange"),
        truth=truth,
        is_limited=False,
    )
    faults = _no_faults(exchange, markets, clock, truth)
    simulation = Simulation(exchange, rate=rate, faults=faults, truth=truth, clock=clock)
    tape = _Tape()
    client = ClientConnection(1, tape, truth=truth)
    simulation.opened(client)
    symbols = [one.raw_symbol for one in listings]
    _ask(exchange, client, {"action": "subscribe", "channels": [_channel(symbols)]})
    for symbol in symbols:
        now.s += 1e-3  # a client may not send more than 5,000 messages a second
        _ask(exchange, client, {"action": "getBook", "market": symbol, "depth": 1000})
    acknowledgement, *answers = tape.messages
    tape.messages = []
    times = _run(simulation, now, tape, seconds, random.Random(f"{seed} network"))
    snapshots = dict(zip(symbols, answers, strict=True))
    return Traffic(symbols, acknowledgement, snapshots, tape.messages, times)


def _no_faults(
    exchange: Bitvavo, markets: list[SimulatedMarket], clock: Clock, truth: Truth
) -> Faults:
    return Faults(
        [],
        markets=markets,
        times=FaultTimes(1.0, 1.0, 1.0),
        rng=random.Random(0),
        clock=clock,
        truth=truth,
        exchange=exchange,
    )


def _channel(symbols: list[str]) -> dict[str, object]:
    return {"name": "book", "markets": symbols}


def _ask(exchange: Bitvavo, client: ClientConnection, request: dict[str, object]) -> None:
    exchange.received(client, _encode(request))


def _run(
    simulation: Simulation, now: _Now, tape: _Tape, seconds: float, network: random.Random
) -> list[int]:
    """Move the markets; return the arrival time of each message, in order."""
    times: list[int] = []
    end_s = now.s + seconds
    simulation.next_due = now.s
    while simulation.next_due < end_s:
        now.s = simulation.next_due
        simulation.advance()
        new = len(tape.messages) - len(times)
        times += sorted(now.ns() + network.randrange(_SPREAD_NS) for _ in range(new))
    return times
