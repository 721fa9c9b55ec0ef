"""Books polled over REST, from a real loopback server, on a clock that waits for nobody."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from typing_extensions import override

from shared.errors import MalformedMessage
from shared.event import FeedEvent, Recorded, Snapshot
from shared.exchange import Call, Cost, Exchange, Limit, Raw
from shared.feed.polled import PolledFeed
from shared.ingest.source import PolledSource
from shared.transport.inbox import Inbox
from shared.transport.limits import Limits
from shared.transport.poller import LEVEL_BYTES, WORKERS_MAX, Poller, stretch
from shared.transport.rest import RestClient
from tests.support.readers import make_board
from tests.support.rest_server import Answer, RestServer
from tests.support.toys import Tape, book, make_exchange, make_rest

WAIT_S = 10.0
BTC = "/BTCEUR"


def parse_book(raw_symbol: str, raw: Raw) -> Snapshot:
    """Read sequence and best bid; the best ask is 101."""
    words = bytes(raw).decode().split()
    if len(words) != 2:
        raise MalformedMessage("not two words", raw=bytes(raw))
    return book(raw_symbol, int(words[0]) or None, bid=words[1])


def find_ban_s(status: int, *_: object) -> float | None:
    return 30.0 if status == 429 else None


EXCHANGE = make_exchange(
    rest=make_rest(
        book=Call(path=lambda raw_symbol: f"/{raw_symbol}"),
        parse_book=parse_book,
        ban_s=find_ban_s,
    )
)


def nothing() -> None:
    """Change nothing."""


class Stop(Event):
    """Waits by moving the clock on, and is set when it is late enough."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.waits: list[float] = []
        self.plan: list[tuple[float, Callable[[], object]]] = []

    @override
    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now_s += timeout
        self.waits.append(timeout)
        while self.plan and self.now_s >= self.plan[0][0]:
            self.plan.pop(0)[1]()
        return self.is_set()


class World:
    """A poller, the server it asks, and what it recorded."""

    def __init__(self, server: RestServer, folder: Path, exchange: Exchange = EXCHANGE) -> None:
        self.server = server
        self.server.answers = {"": Answer("0 99")}
        self.tape = Tape()
        self.stop = Stop()
        self.pause = Event()
        limits = Limits(folder / "limits.json", exchange.limits, steady_s=lambda: self.stop.now_s)
        self.client = RestClient(exchange, server.url, limits)
        self.announced: list[int] = []
        self.inbox = Inbox(self.announced.append)
        self.board = make_board(["BTC-EUR", "ETH-EUR"], ["book"])
        feed = PolledFeed(exchange, self.board, url=server.url, connections=count())
        self.source = PolledSource(self.inbox, feed)
        self.poller = Poller(
            exchange,
            self.board,
            self.inbox,
            self.client,
            poll_interval_s=10.0,
            clock_ns=lambda: int(self.stop.now_s),
            steady_s=lambda: self.stop.now_s,
            pause=self.pause,
        )

    def poll(self, *changes: Callable[[], object]) -> list[str]:
        """Go round once, and once more after each change; return what was recorded, sorted."""
        start_s = self.stop.now_s - 0.1
        steps = [*changes, self.stop.set]
        return self.run([(start_s + 10.0 * n, step) for n, step in enumerate(steps, 1)])

    def run(self, plan: list[tuple[float, Callable[[], object]]]) -> list[str]:
        """Go round until something of the plan, at its time, says to stop."""
        self.tape.clear()
        self.stop.clear()
        self.stop.plan = plan
        self.poller.run(self.stop)
        for rows in self.source.digest():
            self.tape += rows
        return sorted(_describe(symbol, event) for _, symbol, event in self.tape)

    def say(self, path: str, body: str, status: int = 200) -> Callable[[], None]:
        """Return what makes the server say something else from then on."""

        def change() -> None:
            self.server.answers[path] = Answer(body, status)

        return change

    def hang_up(self) -> None:
        def fail(_path: str) -> None:
            raise ConnectionError

        self.server.arrive = fail

    def come_back(self) -> None:
        self.server.arrive = str

    def details(self, kind: str) -> list[Any]:
        rows = [event for event in self.tape.events(FeedEvent) if event.kind == kind]
        return [msgspec.json.decode(row.detail) for row in rows]


def _describe(symbol: str | None, event: Recorded) -> str:
    what = event.kind if isinstance(event, FeedEvent) else "book"
    return f"{symbol} {what}" if symbol else what


@pytest.fixture
def server() -> Iterator[RestServer]:
    with RestServer() as server:
        yield server


@pytest.fixture
def world(server: RestServer, tmp_path: Path) -> Iterator[World]:
    world = World(server, tmp_path)
    yield world
    world.client.close()


BOOKS = ["BTC-EUR book", "ETH-EUR book"]


def test_each_answer_is_a_snapshot(world: World) -> None:
    assert not world.board.link.is_connected
    assert ["BTC-EUR book"] * 2 + ["ETH-EUR book"] * 2 + ["connected", "disconnected"] == (
        world.poll(nothing)
    )
    assert [{"connection": 0, "url": world.server.url}] == world.details("connected")
    assert [{"connection": 0, "reason": "stopped", "symbols": ["BTC-EUR", "ETH-EUR"]}] == (
        world.details("disconnected")
    )
    assert {"BTC-EUR", "ETH-EUR"} == world.board.feed.live
    assert book("BTCEUR", None) in world.tape.events(Snapshot)
    assert 4 == world.board.feed.messages


def test_books_are_polled_evenly_over_the_interval(world: World) -> None:
    world.poll(nothing)
    assert [0.0, 5.0, 5.0, 0.0, 5.0, 5.0] == world.stop.waits


def test_the_interval_is_stretched_to_what_the_limit_allows(
    server: RestServer, tmp_path: Path
) -> None:
    limited = replace(
        EXCHANGE,
        limits={"books": Limit(points=100, interval_s=60.0)},
        rest=replace(EXCHANGE.rest, book=Call(path=lambda _: "/", cost=Cost("books", 4))),
    )
    assert 10.0 == stretch(limited, 10.0, 2)
    assert 60.0 == stretch(limited, 10.0, 20)  # 80 points a minute, 4 for each of 20 books
    world = World(server, tmp_path, limited)
    world.board.wanted = tuple(f"S{number}-EUR" for number in range(20))
    world.poll()
    assert {3.0} == set(world.stop.waits[1:4])
    world.client.close()


def test_without_a_limit_it_is_what_was_configured() -> None:
    assert 10.0 == stretch(EXCHANGE, 10.0, 1000)


def test_symbols_come_and_go(world: World) -> None:
    world.poll()
    world.board.wanted = ("ETH-EUR", "XRP-EUR")
    assert ["ETH-EUR book", "XRP-EUR book", "connected", "disconnected"] == world.poll()
    assert {"ETH-EUR", "XRP-EUR"} == world.board.feed.live


def test_without_symbols_nothing_is_asked(world: World) -> None:
    world.board.wanted = ()
    assert [] == world.poll()


def test_an_outage_is_told_once_and_so_is_its_end(world: World) -> None:
    rows = world.poll(world.hang_up, nothing, world.come_back)
    assert sorted([*BOOKS, *BOOKS, *["connected", "disconnected"] * 2]) == rows
    assert 1 == world.board.link.reconnects
    assert "" == world.board.link.error
    assert world.board.link.down_since_s is None


def test_who_cannot_be_reached_has_no_live_book(world: World) -> None:
    world.poll(world.hang_up)
    assert set() == world.board.feed.live
    assert not world.board.link.is_connected
    assert world.board.link.down_since_s is not None
    assert 1010.0 <= world.board.link.down_since_s
    assert world.board.link.error.startswith("GET /")


def test_where_nobody_ever_answered_there_is_no_outage_to_tell(world: World) -> None:
    world.hang_up()
    assert [] == world.poll()
    assert 0 == world.board.link.reconnects
    assert 1000.0 == world.board.link.down_since_s


def test_a_ban_is_told_once_until_the_next_answer(world: World) -> None:
    rows = world.poll(world.say("", "stop", 429), world.say("", "0 99"), *[nothing] * 4)
    assert 1 == rows.count("rate_limited")
    assert 4 <= len([row for row in rows if row in BOOKS]) < 12
    rows = world.poll(world.say("", "stop", 429))
    assert 1 == rows.count("rate_limited")
    # Of several threads the last to say why may be one that did not ask any more.
    assert "429" in world.board.link.error or "blocked" in world.board.link.error
    assert set() == world.board.feed.live


def test_a_refused_symbol_is_told_once_and_the_others_go_on(world: World) -> None:
    rows = world.poll(world.say(BTC, "no such market", 404), nothing, nothing)
    assert 1 == rows.count("BTC-EUR subscription_refused")
    assert 4 == rows.count("ETH-EUR book")
    reason = "GET /BTCEUR was answered 404: no such market"
    assert [{"reason": reason}] == world.details("subscription_refused")
    assert {"BTC-EUR"} == world.board.feed.refused
    assert {"ETH-EUR"} == world.board.feed.live


def test_an_answer_or_a_delisting_ends_a_refusal(world: World) -> None:
    world.poll(world.say(BTC, "no", 404), world.say(BTC, "0 98"))
    assert set() == world.board.feed.refused
    world.poll(world.say(BTC, "no", 404))
    world.board.wanted = ("ETH-EUR",)
    world.poll()
    assert set() == world.board.feed.refused


def test_what_cannot_be_read_is_a_row_each_time(world: World) -> None:
    rows = world.poll(world.say(BTC, "<html>"), nothing)
    assert 2 == rows.count("BTC-EUR malformed")
    malformed = {"channel": "book", "reason": "not two words", "raw": "<html>"}
    assert malformed == world.details("malformed")[0]
    assert {"ETH-EUR"} == world.board.feed.live


def test_a_book_is_judged_as_any_other(world: World) -> None:
    world.say(BTC, "7 99")()
    rows = world.poll(world.say(BTC, "7 98"), world.say(BTC, "8 102"))
    assert ["bid"] == [detail["side"] for detail in world.details("mismatch")]
    assert 1 == rows.count("BTC-EUR crossed")
    assert 3 == rows.count("BTC-EUR book")
    assert {"BTC-EUR", "ETH-EUR"} == world.board.feed.live


def test_on_a_full_disk_nothing_is_asked(world: World) -> None:
    world.pause.set()
    assert [] == world.poll(nothing)
    assert world.server.is_quiet
    assert sorted([*BOOKS, "connected", "disconnected"]) == world.poll(world.pause.clear)


def test_a_disk_that_fills_up_ends_the_round(world: World) -> None:
    world.board.wanted = tuple(f"S{number}-EUR" for number in range(100))
    world.server.arrive = lambda _: world.pause.set()
    world.poll()
    assert len(world.tape.events(Snapshot)) < 100


def test_a_recorder_that_does_not_keep_up_is_an_outage_that_is_told_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.transport.inbox.BACKLOG_BYTES_MAX", 3 * 2 * LEVEL_BYTES)
    rows = world.poll(nothing, nothing, nothing)
    assert 4 == len([row for row in rows if row in BOOKS])
    ended = {"connection": 0, "symbols": ["BTC-EUR", "ETH-EUR"]}
    assert [ended | {"reason": "the disk has not kept up"}] == world.details("disconnected")
    assert sorted([*BOOKS, "connected", "disconnected"]) == world.poll()


def test_each_answer_is_announced(world: World) -> None:
    world.poll()
    assert [1] == world.announced[:1]


def test_what_was_not_asked_before_the_end_is_not_asked_at_all(world: World) -> None:
    world.board.wanted = tuple(f"S{number}-EUR" for number in range(100))
    is_submitted = Event()

    def arrive(_path: str) -> None:
        assert is_submitted.wait(WAIT_S)
        world.stop.set()

    world.server.arrive = arrive
    # Then nearly all of them were handed to the workers, of which each is asking.
    world.run([(world.stop.now_s + 9.8, is_submitted.set)])
    assert WORKERS_MAX == world.board.feed.messages
