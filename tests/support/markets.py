"""Joins a simulated exchange's markets to feeds, without a socket, on a clock that a test moves."""

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import msgspec

from services.simulator.connection import ClientConnection
from services.simulator.found import load
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import Clock, Secretive
from services.simulator.truth import Truth
from shared.event import Checkpoint, FeedEvent, Row, Snapshot
from shared.exchange import Cost, Exchange
from shared.feed.board import AuditAnswer, Board
from shared.feed.feed import Feed
from shared.feed.names import Names
from shared.feed.peers import Peers
from shared.transport.sockets import Sockets
from tests.support.toys import SECOND

TS_START = 1_795_356_000 * SECOND
REST_S = 0.3  # until an answer over REST is here
STEP_S = 0.1
OURS = 0.8


class Machine:
    """The clock, and the calls that are due later."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    @property
    def ts(self) -> int:
        return TS_START + int(self.now_s * SECOND)

    def later(self, delay_s: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now_s + delay_s, next(self._order), callback))

    def go_on(self, seconds: float) -> None:
        self.now_s += seconds
        while self._due and self._due[0][0] <= self.now_s:
            heapq.heappop(self._due)[2]()


class Points:
    """The points of each limit: granted in any minute, and taken."""

    def __init__(self, exchange: Exchange, machine: Machine) -> None:
        self._machine = machine
        self._max = {name: int(one.points * OURS) for name, one in exchange.limits.items()}
        self._interval_s = {name: one.interval_s for name, one in exchange.limits.items()}
        self._grants: dict[str, deque[tuple[float, int]]] = {name: deque() for name in self._max}
        self.most: Counter[str] = Counter()

    def spend(self, cost: Cost) -> float:
        grants, now_s = self._grants[cost.limit], self._machine.now_s
        interval_s = self._interval_s[cost.limit]
        while grants and grants[0][0] <= now_s - interval_s:
            grants.popleft()
        taken = sum(points for _, points in grants) + cost.points
        if taken > self._max[cost.limit]:
            return grants[0][0] + interval_s - now_s
        grants.append((now_s, cost.points))
        self.most[cost.limit] = max(self.most[cost.limit], taken)
        return 0.0


class Wire:
    """One connection, whose messages wait until the feed takes them."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def write(self, message: str | bytes) -> bool:
        self.messages.append(message.encode() if isinstance(message, str) else message)
        return True

    def close(self, code: int) -> None:
        raise AssertionError(code)

    def abort(self) -> None:
        raise AssertionError

    def leave_pings_unanswered(self, on_withheld: object) -> None:
        raise AssertionError(on_withheld)


class Line:
    """A feed, its board, and the connection that it is on."""

    def __init__(self, world: "Markets", board: Board, feed: Feed) -> None:
        self._world = world
        self.board = board
        self.feed = feed
        self.wire = Wire()
        self.connection: ClientConnection | None = None

    def connect(self) -> None:
        world = self._world
        self.wire = Wire()
        number = next(world.numbers)
        self.connection = ClientConnection(number, self.wire, truth=world.truth)
        world.exchange.opened(self.connection)
        now_s, ts = world.machine.now_s, world.machine.ts
        world.take(self.feed.connected(ts, now_s, "ws://", number))

    def turn(self) -> None:
        """Digest the messages, do the chores, send their requests."""
        machine, feed = self._world.machine, self.feed
        if self.connection is None:
            self.connect()
            assert self.connection is not None
        raws, self.wire.messages = self.wire.messages, []
        if raws:
            self._world.take(feed.receive(machine.ts, machine.now_s, raws))
        chores = feed.chores(machine.ts, machine.now_s)
        if chores is None:
            return
        self._world.take(chores.rows)
        for message in chores.messages:
            self._world.exchange.received(self.connection, message)
        if chores.lost is not None:
            self._world.lost.append(chores.lost.reason)
            self._world.exchange.closed(self.connection)
            self._world.take(feed.disconnected(machine.ts, chores.lost.reason))
            self.connection = None


class Markets:
    """All of it: `rate` changes of books a second over all markets, by how busy each is."""

    def __init__(
        self,
        exchange: str,
        *,
        symbols: int,
        rate: float,
        levels: int | None = None,
        checkpoint_interval_s: float = 3600.0,
        step_s: float = STEP_S,
        seed: int = 1,
    ) -> None:
        kind = load(exchange)
        module = import_module(f"services.ingest_{exchange}.exchange")
        self.declared: Exchange = module.EXCHANGE
        self.machine = Machine()
        self.truth = Truth(None, clock_ns=lambda: self.machine.ts)
        self.rng = random.Random(seed)
        listings = kind.list_markets(symbols, levels=levels or kind.levels)
        ts = self.machine.ts
        self.markets = [SimulatedMarket(one, seed=seed, ts=ts) for one in listings]
        self.exchange = kind.build(
            self.markets,
            clock=Clock(ns=lambda: self.machine.ts, monotonic=lambda: self.machine.now_s),
            later=self.machine.later,
            rng=random.Random(seed + 1),
            truth=self.truth,
        )
        assert isinstance(self.exchange, Secretive)
        self.secrets: Secretive = self.exchange
        self.numbers = itertools.count()
        self.kinds: Counter[tuple[str, str | None]] = Counter()
        self.noted: list[tuple[float, str | None, FeedEvent]] = []
        self.lost: list[str] = []
        self.checkpoints = self.snapshots = 0
        self.answer_audit: Callable[[str, Snapshot | None], Snapshot | None] = lambda _, one: one
        self.points = Points(self.declared, self.machine)
        self._peers = Peers(self.declared, OURS)
        self._interval_s, self._step_s = checkpoint_interval_s, step_s
        self._weights = list(itertools.accumulate(one.messages_per_s for one in listings))
        self._rate, self._owed, self._beat_s = rate, 0.0, 0.0
        self.lines: list[Line] = []
        sockets = Sockets(
            self.declared.channels,
            whole_channels=self.declared.whole_channels,
            symbols_per_socket=self.declared.symbols_per_socket,
            add=self._add,
        )
        sockets.follow([one.symbol for one in listings])

    def _add(self, symbols: Any, channels: Any) -> Board:
        board = Board(symbols, channels, Names(self.declared), down_since_s=0.0)
        feed = Feed(
            self.declared,
            board,
            spend=self.points.spend,
            ban=lambda wait_s: self.lost.append(f"a ban of {wait_s} s"),
            stale_after_s=20.0,
            checkpoint_interval_s=self._interval_s,
            peers=self._peers,
        )
        self.lines.append(Line(self, board, feed))
        return board

    def take(self, rows: list[Row]) -> None:
        for _, symbol, event in rows:
            if isinstance(event, FeedEvent):
                self.kinds[event.kind, symbol] += 1
                self.noted.append((self.machine.now_s, symbol, event))
            elif isinstance(event, Checkpoint):
                self.checkpoints += 1
            elif isinstance(event, Snapshot):
                self.snapshots += 1

    def run(self, seconds: float) -> None:
        end_s = self.machine.now_s + seconds
        while self.machine.now_s < end_s:
            self.machine.go_on(self._step_s)
            self._move()
            for line in self.lines:
                line.turn()
                if line.board.audits_wanted:
                    self._ask_rest(line.board, line.board.audits_wanted.popleft())

    def _move(self) -> None:
        self._owed += self._rate * self._step_s
        count, self._owed = int(self._owed), self._owed % 1
        for market in self.rng.choices(self.markets, cum_weights=self._weights, k=count):
            if market.is_moving:
                self.exchange.publish(market, market.step(self.machine.ts))
        if self.machine.now_s >= self._beat_s:
            self._beat_s = self.machine.now_s + max(self.exchange.conflation_s, self._step_s)
            self.exchange.beat()
            for market in self.markets:
                self.exchange.pulse(market)

    def _ask_rest(self, board: Board, raw_symbol: str) -> None:
        """Ask over REST, at the price of the exchange's limit."""
        call = self.declared.rest.book
        assert call.cost is not None
        wait_s = self.points.spend(call.cost)

        def give() -> None:
            answer = self.exchange.request(call.path(raw_symbol))
            snapshot = None
            if answer.status == 200:
                snapshot = self.declared.rest.parse_book(raw_symbol, answer.body)
            snapshot = self.answer_audit(raw_symbol, snapshot)
            board.audits.append(AuditAnswer(raw_symbol, self.machine.ts, snapshot))

        self.machine.later(REST_S + wait_s, give)

    def market(self, symbol: str) -> SimulatedMarket:
        return next(one for one in self.markets if one.listing.symbol == symbol)

    def market_of(self, raw_symbol: str) -> SimulatedMarket:
        return next(one for one in self.markets if one.listing.raw_symbol == raw_symbol)

    def count(self, kind: str) -> int:
        return sum(count for (one, _), count in self.kinds.items() if one == kind)

    def details(self, kind: str, symbol: str | None = None) -> list[dict[str, Any]]:
        return [
            msgspec.json.decode(event.detail)
            for _, whose, event in self.noted
            if event.kind == kind and symbol in (None, whose)
        ]

    def live(self) -> set[str]:
        for line in self.lines:
            line.feed.show()
        boards = [line.board for line in self.lines if "book" in line.board.channels]
        return {symbol for board in boards for symbol in board.feed.live}

    def wrong_books(self, depth: int = 90) -> Iterator[str]:
        """Yield each symbol whose best levels are not those of its market."""
        for line in self.lines:
            if "book" not in line.board.channels:
                continue
            for symbol in line.board.wanted:
                market = self.market(symbol)
                ladder = line.feed._books.find(market.listing.raw_symbol)
                if ladder is None:
                    yield symbol
                    continue
                bids = sorted(ladder.bids.items(), reverse=True)[:depth]
                asks = sorted(ladder.asks.items())[:depth]
                if (bids, asks) != (
                    [_level(market, one) for one in market.bids(depth)],
                    [_level(market, one) for one in market.asks(depth)],
                ):
                    yield symbol


def _level(market: SimulatedMarket, level: tuple[int, int]) -> tuple[float, float]:
    return float(market.price_text(level[0])), float(market.size_text(level[1]))
