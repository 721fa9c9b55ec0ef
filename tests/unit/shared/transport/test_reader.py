"""Sockets, read from a real loopback server; the test digests what they deliver."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from itertools import count
from queue import Queue
from random import Random
from socket import SO_RCVLOWAT, SOL_SOCKET
from threading import Event, Thread
from typing import Any

import msgspec
import pytest
from typing_extensions import override
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from shared.errors import ConnectionLost
from shared.event import FeedEvent, Subscribed, Trade
from shared.exchange import Call, Cost, Message, Raw
from shared.ingest import source as source_module
from shared.ingest.source import SocketSource
from shared.process.errand import start_errand
from shared.process.retry import Backoff
from shared.transport import inbox as inbox_module
from shared.transport import nap, pace, standstill
from shared.transport import reader as module
from shared.transport.connection import BATCH_BYTES, Connection
from shared.transport.inbox import Inbox
from shared.transport.reader import Reader
from tests.support.readers import make_board, make_feed, make_socket
from tests.support.toys import SECOND, Tape, make_exchange, make_rest, trade

WAIT_S = 10.0
INTERVAL_S = 0.02  # of a thread that reads several sockets
CONNECTS = Cost("connects")


def parse(raw: Raw) -> list[Message]:
    """Read "ready", or the number of a trade."""
    text = bytes(raw).decode()
    return [Subscribed("trades", ["BTCEUR"])] if text == "ready" else [trade(int(text))]


# Which can be asked for old trades, and nobody does.
EXCHANGE = make_exchange(parse=parse, rest=make_rest(trades=Call(path=lambda *_: "/")))


class Server:
    """An exchange that keeps each connection open until the test says something of it."""

    def __init__(self) -> None:
        self.connections: Queue[ServerConnection] = Queue()
        self.refusals: list[Headers] = []
        self._over = Event()
        self._server = serve(self._keep, "127.0.0.1", 0, process_request=self._look)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/"

    def _look(self, _: ServerConnection, __: Request) -> Response | None:
        if not self.refusals:
            return None
        status = HTTPStatus.TOO_MANY_REQUESTS
        return Response(status.value, status.phrase, self.refusals.pop(), b"")

    def _keep(self, connection: ServerConnection) -> None:
        self.connections.put(connection)
        self._over.wait(WAIT_S)

    def next(self) -> ServerConnection:
        return self.connections.get(timeout=WAIT_S)

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()


class Stop(Event):
    """Waits by moving the clock on, and remembers for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.now_s = 1000.0
        self.then: Callable[[], object] = int

    @override
    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        self.now_s += timeout
        self.then()
        return super().wait(0.001)


class Longest(Random):
    """Always the longest wait."""

    @override
    def uniform(self, a: float, b: float) -> float:
        return b


class World:
    """A reader on its own thread, and the recorder's thread, which is the test's."""

    def __init__(self, server: Server, **changes: Any) -> None:
        self.server = server
        self.tape = Tape()
        self.stop = Stop()
        self.pause = Event()
        self.bans: list[tuple[float, str]] = []
        self._news = Event()
        self.inbox = Inbox(lambda _: self._news.set())
        self.board = make_board(["BTC-EUR"], ["trades"])
        self.feed = make_feed(EXCHANGE, self.board)
        clocks: dict[str, Any] = {
            "clock_ns": lambda: int(self.stop.now_s),
            "steady_s": lambda: self.stop.now_s,
        }
        self.source = SocketSource(self.inbox, self.feed, connections=count(), **clocks)
        defaults: dict[str, Any] = {
            "url": server.url,
            "connect": self.connect,
            "ban": lambda wait_s, limit: self.bans.append((wait_s, limit)),
            "backoff": Backoff(base_s=1.0, cap_s=8.0, random=Longest()),
            "pause": self.pause,
        }
        self.socket = make_socket(self.inbox, self.board, **{**defaults, **clocks, **changes})
        self.reader = Reader([self.socket], steady_s=self.now_s)

    def now_s(self) -> float:
        return self.stop.now_s

    def connect(self, url: str) -> Connection:
        return Connection(url, clock_ns=lambda: 0)

    @contextmanager
    def run(self) -> Iterator[None]:
        thread = Thread(target=self.reader.run, args=(self.stop,))
        thread.start()
        try:
            yield
        finally:
            self.stop.set()
            thread.join(WAIT_S)
            assert not thread.is_alive()
            while self.inbox.backlog:
                self.digest()

    def digest(self) -> None:
        for rows in self.source.digest():
            self.tape += rows

    def digest_until(self, is_so: Callable[[], bool]) -> None:
        """Digest whatever comes until it is so."""
        end_s = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < end_s
            self._news.wait(0.01)
            self._news.clear()
            self.digest()

    def low_water(self) -> int:
        """Return how many bytes the system waits for until it wakes the reader."""
        connection = self.socket._connection
        assert connection is not None
        return connection._socket.getsockopt(SOL_SOCKET, SO_RCVLOWAT)

    def pass_s(self, seconds: float) -> None:
        """Let time pass, in steps at each of which the reader has a turn: nobody stands still."""
        end_s = self.stop.now_s + seconds
        while self.stop.now_s < end_s:
            self.stop.now_s = min(self.stop.now_s + 5.0, end_s)
            self.wait_for(
                lambda: self.socket._standstill.looked == (int(self.stop.now_s), self.stop.now_s)
            )

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Look again and again, digesting nothing."""
        end_s = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < end_s
            self._news.wait(0.001)
            self._news.clear()

    def down_since(self) -> float | None:
        return self.board.link.down_since_s

    def ids(self) -> list[str]:
        return [one.trade_id for one in self.tape.events(Trade)]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.tape.events(FeedEvent)]

    def reasons(self, kind: str = "disconnected") -> list[str]:
        rows = [event for event in self.tape.events(FeedEvent) if event.kind == kind]
        return [msgspec.json.decode(row.detail)["reason"] for row in rows]


def say(connection: ServerConnection, *texts: str) -> None:
    for text in texts:
        connection.send(text)


def hear_out(connection: ServerConnection) -> None:
    """Wait until the reader has closed it."""
    with suppress(ConnectionClosed):
        while True:
            connection.recv(WAIT_S)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def world(server: Server) -> World:
    return World(server)


def test_what_the_socket_delivers_reaches_the_feed_with_the_time_it_came(
    world: World, server: Server
) -> None:
    assert 1000.0 == world.down_since()
    with world.run():
        connection = server.next()
        world.stop.now_s = 1007.0
        say(connection, "1", "2")
        world.wait_for(lambda: world.inbox.backlog == 3)
        assert world.board.link.is_connected
        assert world.down_since() is None
        world.stop.now_s = 1009.0
        say(connection, "3")
        world.wait_for(lambda: world.inbox.backlog == 4)
        assert [] == world.tape
        world.digest()
        assert "join trades BTCEUR" == connection.recv(WAIT_S)
    # What was said before anybody asked is not recorded.
    assert ["connected", "disconnected"] == world.kinds()
    assert 3 == world.feed.counts.not_asked_for
    assert [{"connection": 0, "url": server.url}] == [
        msgspec.json.decode(event.detail) for event in world.tape.events(FeedEvent)[:1]
    ]


def test_a_socket_that_is_never_silent_ends_nevertheless(server: Server) -> None:
    def flood() -> None:
        with suppress(ConnectionClosed):
            while True:
                connection.send("1")

    world = World(server, steady_s=time.monotonic)
    with world.run():
        connection = server.next()
        flooding = Thread(target=flood)
        flooding.start()
        world.wait_for(lambda: world.inbox.backlog > 100)
    flooding.join(WAIT_S)
    assert not flooding.is_alive()
    assert ["stopped"] == world.reasons()


def test_what_was_asked_for_is_recorded(world: World, server: Server) -> None:
    with world.run():
        connection = server.next()
        world.digest_until(lambda: bool(world.kinds()))
        assert "join trades BTCEUR" == connection.recv(WAIT_S)
        world.stop.now_s = 1001.5
        say(connection, "ready", "1", "2")
        world.digest_until(lambda: len(world.ids()) == 2)
    assert [(1001, "BTC-EUR", trade(1)), (1001, "BTC-EUR", trade(2))] == [
        row for row in world.tape if isinstance(row[2], Trade)
    ]
    assert ["stopped"] == world.reasons()
    assert not world.board.link.is_connected


def test_a_lost_connection_is_told_and_made_anew(world: World, server: Server) -> None:
    with world.run():
        server.next().close(1012, "restart")
        again = server.next()
        world.digest_until(lambda: world.kinds().count("connected") == 2)
        assert "join trades BTCEUR" == again.recv(WAIT_S)
        assert 1 == world.board.link.reconnects
        assert "" == world.board.link.error
    assert ["connected", "disconnected", "connected", "disconnected"] == world.kinds()
    assert "the exchange closed the connection: code 1012 restart" == world.reasons()[0]


def test_each_fruitless_connection_makes_the_next_one_wait_longer(
    world: World, server: Server
) -> None:
    with world.run():
        for _ in range(5):
            server.next().close()
        server.next()
        assert [1.0, 2.0, 4.0, 8.0, 8.0] == world.stop.waits


def test_data_makes_the_next_wait_short_again_and_only_data(world: World, server: Server) -> None:
    with world.run():
        for _ in range(3):
            server.next().close()
        connection = server.next()
        say(connection, "ready")
        world.digest_until(lambda: world.feed.messages == 1)
        say(connection, "1")
        world.digest_until(lambda: world.feed.is_flowing)
        say(connection, "2")  # the reader has looked since
        world.digest_until(lambda: len(world.ids()) == 2)
        connection.close()
        # The feed still believes in the connection before: what it says is of that one.
        connection = server.next()
        say(connection, "3")
        world.wait_for(lambda: world.inbox.backlog == 3)
        connection.close()
        server.next()
        assert [1.0, 2.0, 4.0, 1.0, 2.0] == world.stop.waits


def test_messages_for_a_connection_that_is_gone_are_not_sent_on_the_next(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "DIGEST_MESSAGES_MAX", 1)
    with world.run():
        server.next().close()
        second = server.next()
        world.digest()
        assert ["connected"] == world.kinds()
        assert [1] == [number for number, _ in world.inbox.outbox]
        world.wait_for(lambda: not world.inbox.outbox)
        world.digest_until(lambda: world.kinds().count("connected") == 2)
        world.wait_for(lambda: not world.inbox.outbox)
        assert "join trades BTCEUR" == second.recv(WAIT_S)
    with pytest.raises(ConnectionClosed):
        second.recv(WAIT_S)


def test_a_refused_connection_is_told_and_waited_for_by_all(server: Server) -> None:
    world = World(server, connect_cost=CONNECTS)
    server.refusals.append(Headers({"Retry-After": "70"}))
    with world.run():
        server.next()
        assert [71.0] == world.stop.waits
    assert [(70.0, "connects")] == world.bans
    assert ["rate_limited", "connected", "disconnected"] == world.kinds()
    assert world.reasons("rate_limited")[0].startswith("the handshake was answered 429")
    assert 0 == world.board.link.reconnects


def test_where_connections_cost_nothing_a_refusal_is_for_this_socket_alone(
    world: World, server: Server
) -> None:
    server.refusals.append(Headers({"Retry-After": "70"}))
    with world.run():
        server.next()
    assert [] == world.bans
    assert "rate_limited" == world.kinds()[0]


def test_who_cannot_be_reached_is_tried_for_ever_and_told_once_in_the_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_url: str) -> Connection:
        raise ConnectionLost("nobody is there")

    world = World(server, connect=refuse)
    with caplog.at_level(logging.WARNING), world.run():
        world.wait_for(lambda: len(world.stop.waits) >= 6)
    assert [1.0, 2.0, 4.0, 8.0, 8.0, 8.0] == world.stop.waits[:6]
    assert [] == world.tape
    assert "nobody is there" == world.board.link.error
    assert 1000.0 == world.down_since()
    assert ["connection lost"] == [record.message for record in caplog.records]


def test_connections_are_made_as_the_limit_allows(server: Server) -> None:
    waits = [900.0, 30.0]
    world = World(
        server,
        connect_cost=CONNECTS,
        spend=lambda cost: waits.pop(0) if waits else 0.0 * cost.points,
    )
    with world.run():
        server.next()
        assert [60.0, 30.0] == world.stop.waits


def test_on_a_full_disk_the_connection_is_closed_until_there_is_room(
    world: World, server: Server
) -> None:
    with world.run():
        connection = server.next()
        world.stop.then = world.pause.clear
        world.pause.set()
        with pytest.raises(ConnectionClosed):
            connection.recv(WAIT_S)
        server.next()
        assert 1.0 == world.stop.waits[0]
        assert 0 == world.board.link.reconnects
    assert ["the disk is full", "stopped"] == world.reasons()


class Deaf:
    """A connection on which nothing comes."""

    has_more = False
    descriptor = -1

    def recv(self, _timeout_s: float) -> list[bytes]:
        return []

    def send(self, _message: str) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("steady_s", "day_s", "reasons"),
    [
        (9.9, 9.9, []),
        (10.1, 10.1, ["this process or its clock stood still for 10.1 s"]),  # it was stopped
        (0.1, 3600.1, ["this process or its clock stood still for 3600.1 s"]),  # the machine slept
        (0.1, 5.0, []),
        (0.1, -3600.0, []),
    ],
)
def test_whoever_stood_still_begins_anew(
    steady_s: float, day_s: float, reasons: list[str], server: Server
) -> None:
    clock = [1_000 * SECOND]
    world = World(server, connect=lambda _: Deaf(), clock_ns=lambda: clock[0])
    socket = world.socket
    socket.turn(0.0)
    for _ in range(3):
        socket.turn(0.0)
        world.stop.now_s += 0.1
    world.stop.now_s += steady_s - 0.1
    clock[0] += int(day_s * SECOND)
    socket.turn(0.0)
    world.digest()
    assert reasons == world.reasons()
    for _ in range(3):
        socket.turn(0.0)  # once
    world.digest()
    assert reasons == world.reasons()


def test_a_connection_that_the_feed_gives_up_is_closed_and_only_that_one(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "STANDSTILL_S", math.inf)  # time goes by leaps here
    with world.run():
        connection = server.next()
        world.digest_until(lambda: bool(world.kinds()))
        connection.recv(WAIT_S)
        for seconds in (10.1, 0.1, 10.1, 0.1):  # it is asked again, and not answered again
            world.stop.now_s += seconds
            world.digest()
        hear_out(connection)
        again = server.next()
        world.digest_until(lambda: world.kinds().count("connected") == 2)
        assert "join trades BTCEUR" == again.recv(WAIT_S)
    assert "no answer to a subscription in 10 s, twice" == world.reasons()[0]


def test_a_feed_that_lags_behind_takes_nobody_for_silent(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "DIGEST_MESSAGES_MAX", 1)
    with world.run():
        connection = server.next()
        world.digest_until(lambda: bool(world.kinds()))
        connection.recv(WAIT_S)
        say(connection, "ready", "1", "2", "3")
        world.wait_for(lambda: world.inbox.backlog == 4)
        world.pass_s(25.0)
        say(connection, "4")
        world.wait_for(lambda: world.inbox.backlog == 5)
        for _ in range(5):
            assert "stale" not in world.kinds()
            world.stop.now_s += 1.0
            world.digest()
        assert ["t1", "t2", "t3", "t4"] == world.ids()
        assert "stale" not in world.kinds()
        world.pass_s(51.0)  # twice the silence that ended by itself, and more
        world.digest()
        assert "stale" in world.kinds()


def test_what_is_not_digested_is_bounded_and_then_the_connection_given_up(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "BACKLOG_BYTES_MAX", 10)
    with world.run():
        say(server.next(), "1" * 11)
        world.wait_for(lambda: module.ROOM_LOOK_S in world.stop.waits)
        assert world.board.link.is_connected
        world.stop.now_s += module.ROOM_WAIT_S + 0.1
        world.wait_for(lambda: not world.board.link.is_connected)
    assert "the disk has not kept up for 5 s" == world.reasons()[0]


def test_without_room_there_is_no_new_connection(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "BACKLOG_MAX", 0)
    with world.run():
        connection = server.next()
        connection.close()
        world.wait_for(lambda: module.PAUSE_LOOK_S in world.stop.waits[1:])
        assert 2 == world.inbox.backlog
        assert server.connections.empty()
        world.digest()
        server.next()


def test_a_reader_that_waits_for_room_goes_on_as_soon_as_there_is_some(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "BACKLOG_BYTES_MAX", 10)
    with world.run():
        connection = server.next()
        say(connection, "1" * 11)
        world.wait_for(lambda: module.ROOM_LOOK_S in world.stop.waits)
        say(connection, "2")
        world.digest_until(lambda: world.feed.messages == 2)
        assert world.board.link.is_connected
    assert ["stopped"] == world.reasons()


def test_a_reader_that_waits_for_room_ends_when_it_is_told_to(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "BACKLOG_BYTES_MAX", 10)
    with world.run():
        say(server.next(), "1" * 11)
        world.wait_for(lambda: module.ROOM_LOOK_S in world.stop.waits)
    assert ["stopped"] == world.reasons()


def test_at_the_end_what_was_asked_and_not_answered_is_a_gap(world: World, server: Server) -> None:
    with world.run():
        connection = server.next()
        world.digest_until(lambda: bool(world.kinds()))
        connection.recv(WAIT_S)
        say(connection, "ready", "1")
        world.digest_until(lambda: bool(world.ids()))
        connection.close()
        connection = server.next()
        world.digest_until(lambda: world.kinds().count("connected") == 2)
        connection.recv(WAIT_S)
        say(connection, "ready")
        world.digest_until(lambda: world.feed.messages == 3)
    assert "gap" == world.kinds()[-1]


def test_one_thread_reads_several_sockets_each_into_its_own_inbox(
    world: World, server: Server
) -> None:
    other = World(server)
    other.stop = world.stop
    world.reader = Reader([world.socket, other.socket], INTERVAL_S, steady_s=world.now_s)
    with world.run():
        connections = [server.next(), server.next()]
        # Which is whose is not known before they say so.
        world.digest_until(lambda: bool(world.kinds()))
        other.digest_until(lambda: bool(other.kinds()))
        for connection in connections:
            assert "join trades BTCEUR" == connection.recv(WAIT_S)
            say(connection, "ready", "1", "2")
        world.digest_until(lambda: len(world.ids()) == 2)
        other.digest_until(lambda: len(other.ids()) == 2)
        assert {INTERVAL_S} >= set(world.stop.waits)
        connections[0].close()
        sockets = (world.socket, other.socket)
        world.wait_for(lambda: max(one._due_s for one in sockets) > world.stop.now_s)
        world.stop.now_s += 1.0  # the wait before it connects again
        assert "join trades BTCEUR" == _join(world, other, server.next())
    other.digest()
    assert ["connected"] * 3 == [
        kind for kind in world.kinds() + other.kinds() if kind == "connected"
    ]


def test_where_few_messages_come_one_thread_waits_for_the_next_of_any_socket(
    world: World, server: Server
) -> None:
    other = World(server)
    other.stop = world.stop
    world.reader = Reader(
        [world.socket, other.socket],
        INTERVAL_S,
        steady_s=world.now_s,
        sleep=world.stop.wait,
    )
    with world.run():
        connections = [server.next(), server.next()]
        world.digest_until(lambda: bool(world.kinds()))
        other.digest_until(lambda: bool(other.kinds()))
        for one in connections:
            one.recv(WAIT_S)
            say(one, "ready")
        connection = connections[-1]
        both = [world.feed, other.feed]
        world.digest_until(lambda: world.feed.messages == 1)
        other.digest_until(lambda: other.feed.messages == 1)
        naps = len(world.stop.waits)
        for number in range(100):
            say(connection, str(number))
            while sum(feed.messages for feed in both) < number + 3:
                world.digest()
                other.digest()
        assert naps == len(world.stop.waits)
        world.stop.now_s += pace.WINDOW_S
        say(connection, "100")
        world.wait_for(lambda: len(world.stop.waits) > naps)
    assert INTERVAL_S == world.stop.waits[-1]


def test_of_several_sockets_none_is_held_up_by_the_batch_of_another(server: Server) -> None:
    world = World(server, read_interval_s=INTERVAL_S)
    world.reader = Reader([world.socket], INTERVAL_S, steady_s=world.now_s, sleep=world.stop.wait)
    with world.run():
        connection = server.next()
        world.digest_until(lambda: bool(world.kinds()))
        connection.recv(WAIT_S)
        say(connection, "ready")
        for number in range(100):
            world.stop.now_s += 0.01
            say(connection, str(number))
            world.digest_until(lambda: len(world.ids()) > number)  # noqa: B023 - at once
        world.stop.now_s += 0.1
        say(connection, "100")
        world.wait_for(lambda: len(world.stop.waits) > 2)
        assert world.socket._pace.is_batched
        assert 1 == world.low_water()


class Ended(Deaf):
    """A connection at its end."""

    def __init__(self, *, has_more: bool) -> None:
        self.has_more = has_more

    @override
    def recv(self, _timeout_s: float) -> list[bytes]:
        raise ConnectionLost("over")


@pytest.mark.parametrize(("has_more", "reasons"), [(True, ["over"]), (False, [])])
def test_without_bytes_to_read_only_what_no_poll_shows_is_read(
    *, has_more: bool, reasons: list[str], server: Server
) -> None:
    world = World(server, connect=lambda _: Ended(has_more=has_more))
    for _ in range(2):
        world.socket.turn(0.0, is_readable=False)
    world.digest()
    assert reasons == world.reasons()


def test_a_socket_without_room_is_not_waited_for(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "BACKLOG_BYTES_MAX", 0)
    world.reader = Reader([world.socket], INTERVAL_S, steady_s=world.now_s)
    with world.run():
        connection = server.next()
        world.digest_until(lambda: bool(world.kinds()))
        connection.recv(WAIT_S)
        naps = len(world.stop.waits)
        say(connection, "ready", "1")
        world.wait_for(lambda: len(world.stop.waits) > naps)
        assert world.socket.descriptor is None
        world.digest_until(lambda: bool(world.ids()))


def test_a_socket_that_is_added_waits_for_no_other(world: World, server: Server) -> None:
    def refuse(_url: str) -> Connection:
        raise ConnectionLost("banned", retry_after_s=900.0)

    banned = World(server, connect=refuse)
    banned.stop = world.stop
    sockets = [banned.socket]
    world.reader = Reader(sockets, INTERVAL_S, steady_s=world.now_s)
    with world.run():
        banned.wait_for(lambda: banned.board.link.error == "banned")
        sockets.append(world.socket)
        server.next()
        world.digest_until(lambda: bool(world.kinds()))
    assert nap.ADDED_LOOK_S == max(world.stop.waits)


def test_a_socket_that_cannot_connect_yet_holds_up_no_other(world: World, server: Server) -> None:
    may_connect = Event()

    def connect(url: str) -> Connection:
        may_connect.wait(WAIT_S)
        return world.connect(url)

    other = World(server, connect=connect, start=start_errand)
    other.stop = world.stop
    world.reader = Reader([other.socket, world.socket], INTERVAL_S, steady_s=world.now_s)
    with world.run():
        connection = server.next()
        world.digest_until(lambda: bool(world.kinds()))
        connection.recv(WAIT_S)
        say(connection, "ready", "1", "2")
        world.digest_until(lambda: len(world.ids()) == 2)
        assert [] == other.kinds()
        may_connect.set()
        other.digest_until(lambda: bool(other.kinds()))
    assert "connected" == other.kinds()[0]


def test_a_connection_that_stands_when_all_is_over_is_closed(server: Server) -> None:
    may_connect = Event()

    def connect(url: str) -> Connection:
        may_connect.wait(WAIT_S)
        return Connection(url, clock_ns=lambda: 0)

    late = World(server, connect=connect, start=start_errand)
    with late.run():
        late.wait_for(lambda: module.CONNECT_LOOK_S in late.stop.waits)
    may_connect.set()
    with pytest.raises(ConnectionClosed):
        server.next().recv(WAIT_S)


def test_messages_that_come_thickly_are_read_together(server: Server) -> None:
    world = World(server, read_interval_s=1.0)
    with world.run():
        connection = server.next()
        world.digest_until(lambda: bool(world.kinds()))
        connection.recv(WAIT_S)
        assert 1 == world.low_water()
        say(connection, "ready")
        for number in range(1, 4):
            world.stop.now_s += 0.1
            say(connection, str(number))
            world.digest_until(lambda: len(world.ids()) == number)  # noqa: B023 - at once
        world.pass_s(pace.WINDOW_S)
        world.wait_for(lambda: world.low_water() == BATCH_BYTES)
        say(connection, "4")
        world.digest_until(lambda: len(world.ids()) == 4)
        world.pass_s(pace.WINDOW_S)
        world.wait_for(lambda: world.low_water() == 1)


def _join(world: World, other: World, connection: ServerConnection) -> str:
    """Return what is asked on a connection that came anew."""
    while (world.kinds() + other.kinds()).count("connected") < 3:
        world.digest()
        other.digest()
    return str(connection.recv(WAIT_S))
