"""Runs the simulation of an exchange: moves each market at its time, until the markets stop."""

import random

from services.simulator.connection import ClientConnection
from services.simulator.faults import Faults
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import Clock, SimulatedExchange
from services.simulator.truth import Truth

# The markets take turns within the conflation interval, so that messages come as evenly as on the
# wire.
BUCKET_S = 0.002
# After a pause of the process the simulator skips ahead, so as not to flood its clients.
LATE_MAX_S = 0.5
# A simulator that cannot keep the rate still listens to its clients in between.
WORK_MAX_S = 0.02
FLUSH_INTERVAL_S = 0.5
# Listeners hear of nearly every move.
LAST_MOVES_MAX = 100


class Simulation:
    """Moves the markets by the clock, at `rate` book messages a second over all of them.

    A wheel turns once each conflation interval and has a bucket for each 2 ms of it. A market sits
    in one bucket; at each turn it moves, or rests, by its own seeded chance. So the moves of a
    market depend on the seed and on the number of turns alone.
    """

    def __init__(
        self,
        exchange: SimulatedExchange,
        *,
        rate: float,
        faults: Faults,
        truth: Truth,
        clock: Clock,
    ) -> None:
        self.exchange = exchange
        self.connections: dict[int, ClientConnection] = {}
        self.is_quiet = False
        self._faults = faults
        self._truth = truth
        self._clock = clock
        markets = exchange.markets
        # If the conflation allows fewer messages, the requested rate wins.
        turn_s = min(exchange.conflation_s, len(markets) / rate)
        self._turns_per_pulse = max(1, round(exchange.conflation_s / turn_s))
        count = min(max(1, round(turn_s / BUCKET_S)), len(markets))
        self._bucket_s = turn_s / count
        chances = chances_per_turn(
            [market.listing.messages_per_s for market in markets], expected=rate * turn_s
        )
        self._buckets: list[list[tuple[SimulatedMarket, random.Random, float]]] = [
            [] for _ in range(count)
        ]
        order = random.Random("wheel").sample(range(len(markets)), len(markets))
        for position, index in enumerate(order):
            market = markets[index]
            bucket = self._buckets[position * count // len(markets)]
            bucket.append((market, market.rng, chances[index]))
        self._turned = 0
        self._flush_due = clock.monotonic() + FLUSH_INTERVAL_S
        self.next_due = clock.monotonic()

    def opened(self, connection: ClientConnection) -> None:
        """Take in a new client."""
        self.connections[connection.number] = connection
        self._truth.opened(connection.number)
        self.exchange.opened(connection)

    def closed(self, connection: ClientConnection) -> None:
        """Forget a client that is gone."""
        del self.connections[connection.number]
        self.exchange.closed(connection)
        self._truth.closed(
            connection.number,
            reason=connection.close_reason or "client",
            unsent_bytes=connection.unsent_bytes,
        )

    def advance(self) -> None:
        """Do all work that is due by now."""
        now = self._clock.monotonic()
        if now >= self._flush_due:
            self._truth.flush()
            self._flush_due = now + FLUSH_INTERVAL_S
        if not self.is_quiet:
            self._faults.advance(list(self.connections.values()))
        self.next_due = max(self.next_due, now - LATE_MAX_S)
        pause = now + WORK_MAX_S
        while self.next_due <= now and self._clock.monotonic() < pause:
            self._turn_bucket()
            self.next_due += self._bucket_s

    def quiesce(self) -> None:
        """Stop the markets for good: end the faults, send hidden changes, write the final books.

        Each market makes a last move that its listeners hear of, so that a client that lost a
        message sees the break and can still ask for a snapshot. From then on nothing changes, and
        the sockets stay open.
        """
        if self.is_quiet:
            return
        self.is_quiet = True
        self._faults.end(list(self.connections.values()))
        depth = self.exchange.final_depth()
        for market in self.exchange.markets:
            self._move_for_all(market)
        for market in self.exchange.markets:
            self._truth.book(
                market.listing,
                sequence=self.exchange.final_sequence(market),
                bids=[_level(market, level) for level in market.bids(depth)],
                asks=[_level(market, level) for level in market.asks(depth)],
            )
        self._truth.flush()

    def _turn_bucket(self) -> None:
        turn, index = divmod(self._turned, len(self._buckets))
        self._turned += 1
        exchange = self.exchange
        is_pulse = turn % self._turns_per_pulse == 0
        if is_pulse and index == 0:
            exchange.beat()
        for market, rng, chance in self._buckets[index]:
            if not self.is_quiet and market.is_moving and rng.random() < chance:
                self._move(market)
            if is_pulse:
                exchange.pulse(market)

    def _move_for_all(self, market: SimulatedMarket) -> None:
        """Move until listeners hear of a move: none hears of changes beyond a window."""
        before = self.exchange.final_sequence(market)
        for _ in range(LAST_MOVES_MAX):
            self._move(market)
            if not before or self.exchange.final_sequence(market) != before:
                return

    def _move(self, market: SimulatedMarket) -> None:
        self.exchange.publish(market, market.step(self._clock.ns()))


def chances_per_turn(weights: list[float], *, expected: float) -> list[float]:
    """Return each market's chance to move in a turn: by weight, at most 1, `expected` in sum."""
    expected = min(expected, float(len(weights)))
    low, high = 0.0, 1.0 / min(weights)
    for _ in range(60):
        factor = (low + high) / 2
        if sum(min(1.0, weight * factor) for weight in weights) < expected:
            low = factor
        else:
            high = factor
    return [min(1.0, weight * high) for weight in weights]


def _level(market: SimulatedMarket, level: tuple[int, int]) -> tuple[str, str]:
    price, size = level
    return market.price_text(price), market.size_text(size)
