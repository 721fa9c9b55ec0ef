"""Faults on request: one after the other, again and again, on a seeded random schedule.

| name | what happens |
|---|---|
| `gap` | the exchange loses one or more changes of a book: its sequence skips |
| `nonce_reset` | a book's sequence starts again without a disconnect, as after an engine restart |
| `drop` | the exchange cuts the TCP connection |
| `close` | the exchange closes the connection cleanly (1000) |
| `stall` | a connection stays open and answers pings, but sends nothing else for `stall_s` |
| `garbage` | broken JSON, a truncated book, a book of wrong types, a binary frame, a huge object |
| `handshake_429` | the exchange cuts a connection, and refuses new ones for the next seconds |
| `halted` | a market falls silent, refuses its book (Bitvavo 431), and comes back later |
| `no_pong` | the exchange stops answering the pings of one client |
| `bad_symbol` | Bitvavo: the exchange delists the quietest market, and refuses a subscribe to it |
| `snapshot_midstream` | BtcTurk: a 431 comes in mid-stream, whatever its CS |

`services/simulator/book_faults.py` has the faults of books that no sequence shows,
`rest_faults.py` those of answers.

A fault aims only where its effect is certain: at a book that the client can hold live, on a
connection without a pending fault. Without such an aim it waits up to 30 s, then its turn passes.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from services.simulator.book_faults import BookFaults
from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.garbage import BOOK_GARBAGE, PLAIN_GARBAGE
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import Clock, SimulatedExchange
from services.simulator.rest_faults import RestFaults
from services.simulator.truth import Truth

REFUSAL_S = 5.0
DELISTED_S = 20.0
WITHHELD_MAX = 3
# A fault that finds nothing to hit waits this long before its turn passes.
AIM_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class FaultTimes:
    """The times of faults: how often they come, how long they last."""

    interval_s: float = 10.0
    stall_s: float = 30.0
    halt_s: float = 10.0


class Faults:
    """Injects the named faults by turns; ends those that last when their time is over."""

    def __init__(
        self,
        names: list[str],
        *,
        markets: list[SimulatedMarket],
        times: FaultTimes,
        rng: random.Random,
        clock: Clock,
        truth: Truth,
        exchange: SimulatedExchange,
    ) -> None:
        self._names = names
        self._markets = {market.listing.raw_symbol: market for market in markets}
        self._victim = markets[-1]
        self._times = times
        self._rng = rng
        self._clock = clock
        self._truth = truth
        self._exchange = exchange
        self._books = BookFaults(
            exchange,
            truth=truth,
            crossed_s=times.halt_s,
            aim=self._aim_at_chain,
            end_after=self._end_after,
        )
        rest = RestFaults(exchange, clock, truth, self._aim_at_connection, self._end_after)
        self._turn = 0
        self._due = clock.monotonic() + self._interval_s()
        self._refused_until = 0.0
        self._ends: list[tuple[float, Callable[[], None]]] = []
        self._garbage_turn = 0
        self._actions: dict[str, Callable[[list[ClientConnection]], bool]] = {
            "gap": self._gap,
            "nonce_reset": self._nonce_reset,
            "drop": self._drop,
            "close": self._close,
            "stall": self._stall,
            "garbage": self._garbage,
            "handshake_429": self._handshake_429,
            "halted": self._halted,
            "no_pong": self._no_pong,
            "bad_symbol": self._bad_symbol,
            "snapshot_midstream": self._snapshot_midstream,
            **self._books.actions,
            **rest.actions,
        }

    def advance(self, connections: list[ClientConnection]) -> None:
        """Begin and end the faults that are due by now."""
        now = self._clock.monotonic()
        self._end_what_is_over(now)
        if not self._names or now < self._due:
            return
        name = self._names[self._turn % len(self._names)]
        if self._actions[name](connections) or now >= self._due + AIM_WAIT_S:
            self._turn += 1
            self._due = now + self._interval_s()

    def end(self, connections: list[ClientConnection]) -> None:
        """End every fault for good; lost messages stay lost."""
        self._names = []
        self._refused_until = 0.0
        self._end_what_is_over(float("inf"))
        self._books.end()
        for connection in connections:
            connection.answer_pings(is_answering=True)
            for chain in connection.chains.values():
                chain.withheld = 0
                chain.garbage = None

    def refuse_handshake(self) -> int | None:
        """Return for how many seconds the exchange refuses new clients, or None."""
        left_s = self._refused_until - self._clock.monotonic()
        if left_s <= 0:
            return None
        retry_after_s = math.ceil(left_s)
        self._truth.fault("handshake_429", retry_after_s=retry_after_s)
        return retry_after_s

    def _gap(self, connections: list[ClientConnection]) -> bool:
        aim = self._aim_at_chain(connections)
        if aim is None:
            return False
        aim[1].withheld = self._rng.randint(1, WITHHELD_MAX)
        return True

    def _nonce_reset(self, connections: list[ClientConnection]) -> bool:
        aim = self._aim_at_chain(connections)
        if aim is None:
            return False
        self._exchange.reset_sequence(self._markets[aim[1].listing.raw_symbol])
        return True

    def _drop(self, connections: list[ClientConnection]) -> bool:
        connection = self._aim_at_connection(connections)
        if connection is None:
            return False
        self._truth.fault("drop", connection=connection.number)
        connection.abort("drop")
        return True

    def _close(self, connections: list[ClientConnection]) -> bool:
        connection = self._aim_at_connection(connections)
        if connection is None:
            return False
        self._truth.fault("close", connection=connection.number)
        connection.close("close")
        return True

    def _stall(self, connections: list[ClientConnection]) -> bool:
        connection = self._aim_at_connection(connections)
        if connection is None:
            return False
        connection.is_stalled = True
        self._truth.fault("stall", connection=connection.number, stall_s=self._times.stall_s)

        def resume() -> None:
            connection.is_stalled = False

        self._end_after(self._times.stall_s, resume)
        return True

    def _garbage(self, connections: list[ClientConnection]) -> bool:
        kinds = [*BOOK_GARBAGE, *PLAIN_GARBAGE]
        kind = kinds[self._garbage_turn % len(kinds)]
        aim = self._aim_at_chain(connections)
        if aim is None:
            return False
        self._garbage_turn += 1
        connection, chain = aim
        if kind in BOOK_GARBAGE:
            chain.garbage, chain.garbage_kind = BOOK_GARBAGE[kind], kind
        elif connection.send(PLAIN_GARBAGE[kind]):
            self._truth.fault("garbage", connection=connection.number, kind=kind)
        return True

    def _handshake_429(self, connections: list[ClientConnection]) -> bool:
        connection = self._aim_at_connection(connections)
        if connection is None:
            return False
        self._refused_until = self._clock.monotonic() + REFUSAL_S
        connection.abort("handshake_429")
        return True

    def _halted(self, connections: list[ClientConnection]) -> bool:
        aim = self._aim_at_chain(connections)
        if aim is None:
            return False
        market = self._markets[aim[1].listing.raw_symbol]
        market.is_halted = True
        for connection in connections:
            if market.listing.raw_symbol in connection.chains:
                self._truth.fault(
                    "halted",
                    connection=connection.number,
                    listing=market.listing,
                    halt_s=self._times.halt_s,
                )

        def resume() -> None:
            market.is_halted = False

        self._end_after(self._times.halt_s, resume)
        return True

    def _no_pong(self, connections: list[ClientConnection]) -> bool:
        connection = self._aim_at_connection(connections)
        if connection is None:
            return False
        connection.answer_pings(is_answering=False)
        return True

    def _bad_symbol(self, connections: list[ClientConnection]) -> bool:
        """Delist a market and cut a client that has it, which must then subscribe anew."""
        victim = self._victim
        having = [one for one in connections if victim.listing.raw_symbol in one.chains]
        connection = self._aim_at_connection(having)
        if connection is None or len(self._markets) == 1:
            return False
        victim.is_delisted = True
        connection.abort("bad_symbol")

        def relist() -> None:
            victim.is_delisted = False

        self._end_after(DELISTED_S, relist)
        return True

    def _snapshot_midstream(self, connections: list[ClientConnection]) -> bool:
        aim = self._aim_at_chain(connections)
        if aim is None:
            return False
        connection, chain = aim
        expected = chain.sequence + 1
        received = self._exchange.send_snapshot(connection, chain)
        self._truth.fault(
            "snapshot_midstream",
            connection=connection.number,
            listing=chain.listing,
            sequence_expected=expected,
            sequence_received=received,
        )
        return True

    def _aim_at_chain(
        self, connections: list[ClientConnection]
    ) -> tuple[ClientConnection, ClientChain] | None:
        """Return a live book, preferably a busy one, where the effect comes soon."""
        aims = [
            (connection, chain)
            for connection in connections
            if not connection.is_stalled
            for raw_symbol, chain in connection.chains.items()
            if chain.is_settled and self._markets[raw_symbol].is_moving
        ]
        if not aims:
            return None
        weights = [chain.listing.messages_per_s for _, chain in aims]
        return self._rng.choices(aims, weights)[0]

    def _aim_at_connection(self, connections: list[ClientConnection]) -> ClientConnection | None:
        """Return a connection with live books and no pending fault."""
        aims = [
            connection
            for connection in connections
            if not connection.is_stalled
            and any(chain.is_settled for chain in connection.chains.values())
            and not any(chain.is_pending for chain in connection.chains.values())
        ]
        return self._rng.choice(aims) if aims else None

    def _interval_s(self) -> float:
        return self._times.interval_s * self._rng.uniform(0.5, 1.5)

    def _end_after(self, delay_s: float, callback: Callable[[], None]) -> None:
        self._ends.append((self._clock.monotonic() + delay_s, callback))

    def _end_what_is_over(self, now: float) -> None:
        for end in [end for end in self._ends if end[0] <= now]:
            self._ends.remove(end)
            end[1]()
