"""What is asked over REST beside books, on a real loopback server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from threading import Event, Semaphore, Thread
from typing import Any

import msgspec
import pytest
from typing_extensions import override

from shared.event import FeedEvent, Trade
from shared.exchange import Call
from shared.feed.backfills import Backfills
from shared.feed.trades import Trades
from shared.transport import rest_worker as module
from shared.transport.limits import Limits
from shared.transport.rest import RestClient
from shared.transport.rest_worker import GIVE_UP_S, MARKETS_EARLY_S, MARKETS_INTERVAL_S, RestWorker
from tests.support.readers import make_backoff, make_board
from tests.support.rest_server import Answer, RestServer
from tests.support.toys import Tape, book, make_exchange, make_rest, market, trade, trades

WAIT_S = 10.0


def find_ban_s(status: int, *_: object) -> float | None:
    return 500.0 if status == 429 else None


EXCHANGE = make_exchange(
    rest=make_rest(
        markets=Call(path=lambda: "/markets"),
        parse_markets=lambda raw: [
            market(name.rstrip("!"), is_trading=not name.endswith("!"))
            for name in bytes(raw).decode().split()
        ],
        book=Call(path=lambda raw_symbol: f"/{raw_symbol}/book"),
        parse_book=lambda raw_symbol, raw: book(raw_symbol, int(bytes(raw))),
        trades=Call(path=lambda raw_symbol, outage, _ts: f"/{raw_symbol}/{outage.trade_id}"),
        parse_trades=lambda _symbol, raw: trades(*map(int, bytes(raw).split())),
        ban_s=find_ban_s,
    )
)


class Clock:
    """A steady clock that goes on a little whenever somebody looks at it."""

    def __init__(self) -> None:
        self.s = 1000.0
        self.looks = Semaphore(0)

    def now_s(self) -> float:
        self.s += 0.01
        self.looks.release()
        return self.s

    def wait_for_looks(self) -> None:
        """Wait until somebody has looked often enough to have come round."""
        for _ in range(10):
            assert self.looks.acquire(timeout=WAIT_S)


class World:
    """A worker, the server it asks, and a feed that lost its connection after some trades.

    Without `is_listing` the list of markets is there, and not due for long.
    """

    def __init__(
        self,
        server: RestServer,
        folder: Path,
        *,
        is_listing: bool,
        book_interval_s: float | None = 0.0,
    ) -> None:
        self.server = server
        self.clock = Clock()
        self.lists: list[tuple[int, list[str]]] = []
        self.tape = Tape()
        self.trades = Trades(self.tape)
        self.board = make_board(["BTC-EUR"])
        self.backfills = Backfills(self.trades, self.board, EXCHANGE)
        self.limits = Limits(folder / "limits.json", EXCHANGE.limits, steady_s=lambda: self.clock.s)
        self.client = RestClient(EXCHANGE, server.url, self.limits)
        self.worker = RestWorker(
            self.client,
            take_list=lambda markets, ts: self.lists.append((ts, [one.symbol for one in markets])),
            book_interval_s=book_interval_s,
            boards=[make_board([]), self.board],
            backoff=make_backoff(),
            clock_ns=lambda: 7,
            steady_s=self.clock.now_s,
        )
        if not is_listing:
            self.worker._markets_due_s = inf

    def lose(self, *raw_symbols: str) -> None:
        """Have the trades of these asked for, since trade 1."""
        for raw_symbol in raw_symbols:
            self.trades.trade(1, f"our {raw_symbol}", trade(1, raw_symbol))
            self.trades.lose(raw_symbol, 1)
            self.backfills.ask(f"our {raw_symbol}", raw_symbol, self.clock.s)
        self.tape.clear()

    def gaps(self) -> list[tuple[str | None, Any]]:
        self.backfills.record(2)
        return [
            (symbol, msgspec.json.decode(event.detail)["reason"])
            for _, symbol, event in self.tape
            if isinstance(event, FeedEvent)
        ]

    @contextmanager
    def run(self) -> Iterator[None]:
        while not self.server.is_quiet:
            self.server.next()
        self.clock.looks = Semaphore(0)
        stop = Event()
        thread = Thread(target=self.worker.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(WAIT_S)
            assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACE_S", 0.001)


@pytest.fixture
def server() -> Iterator[RestServer]:
    with RestServer() as server:
        yield server


Make = Callable[..., World]


@pytest.fixture
def make(server: RestServer, tmp_path: Path) -> Iterator[Make]:
    made: list[World] = []

    def build(*, is_listing: bool = True) -> World:
        made.append(World(server, tmp_path, is_listing=is_listing))
        return made[-1]

    yield build
    for world in made:
        world.client.close()


def test_the_list_of_markets_is_asked_for_each_minute_and_handed_on(
    make: Make, server: RestServer
) -> None:
    world = make()
    server.answers["/markets"] = Answer("ETH-EUR XRP-EUR!")
    with world.run():
        assert "/markets" == server.next()
    assert [(7, ["ETH-EUR", "XRP-EUR"])] == world.lists
    with world.run():
        world.clock.wait_for_looks()
    assert server.is_quiet
    world.clock.s += MARKETS_INTERVAL_S
    with world.run():
        assert "/markets" == server.next()
    assert 2 == len(world.lists)


def test_where_a_feed_wants_it_the_list_is_asked_for_at_once_but_not_without_end(
    make: Make, server: RestServer
) -> None:
    world = make()
    with world.run():
        server.next()
    world.clock.s += MARKETS_EARLY_S
    world.board.is_list_wanted = True
    with world.run():
        server.next()
    assert not world.board.is_list_wanted
    world.board.is_list_wanted = True
    with world.run():
        world.clock.wait_for_looks()
    assert server.is_quiet
    world.clock.s += MARKETS_EARLY_S
    with world.run():
        server.next()
    assert not world.board.is_list_wanted


def test_without_a_list_it_is_asked_for_again_and_said_why(make: Make, server: RestServer) -> None:
    world = make()
    server.answers["/markets"] = Answer("busy", 503)
    with world.run():
        assert ["/markets"] * 2 == [server.next(), server.next()]
    assert "GET /markets was answered 503: busy" == world.worker.error
    server.answers["/markets"] = Answer("BTC-EUR")
    with world.run():
        server.next()
    assert [(7, ["BTC-EUR"])] == world.lists
    assert "" == world.worker.error


def test_a_ban_is_waited_for(make: Make, server: RestServer) -> None:
    world = make()
    server.answers["/markets"] = Answer("stop", 429)
    with world.run():
        server.next()
    world.clock.s += 490.0
    with world.run():
        world.clock.wait_for_looks()
    assert server.is_quiet
    assert world.worker.error.startswith("GET /markets was answered 429")
    world.clock.s += 11.0
    with world.run():
        server.next()


def test_a_ban_of_trades_is_waited_for(make: Make, server: RestServer) -> None:
    world = make(is_listing=False)
    world.lose("A")
    server.answers["/A/t1"] = Answer("stop", 429)
    with world.run():
        server.next()
        world.clock.wait_for_looks()
    assert server.is_quiet
    world.clock.s += 501.0
    with world.run():
        assert "/A/t1" == server.next()


def test_missed_trades_are_asked_for_in_turn_and_handed_back(
    make: Make, server: RestServer
) -> None:
    world = make(is_listing=False)
    world.lose("BTCEUR", "B")
    server.answers["/BTCEUR/t1"] = Answer("1 2 3")
    with world.run():
        assert ["/BTCEUR/t1", "/B/t1"] == [server.next(), server.next()]
    world.backfills.record(2)
    assert ["t2", "t3"] == [one.trade_id for one in world.tape.events(Trade)]
    assert not world.board.questions


def test_a_question_without_an_answer_is_asked_again_after_all_others(
    make: Make, server: RestServer
) -> None:
    world = make(is_listing=False)
    world.lose("A", "B")
    server.answers |= {"/A/t1": Answer("busy", 503), "/B/t1": Answer("1 2")}
    with world.run():
        asked = [server.next() for _ in range(4)]
    assert ["/A/t1", "/B/t1", "/A/t1", "/A/t1"] == asked
    assert [] == world.gaps()


@pytest.mark.parametrize("status", [400, 404])
def test_a_question_that_is_wrong_is_asked_once_and_no_other_waits_for_it(
    make: Make, server: RestServer, status: int
) -> None:
    world = make(is_listing=False)
    world.lose("A", "B")
    server.answers["/A/t1"] = Answer('{"errorCode":110,"error":"Invalid endpoint."}', status)
    server.answers["/B/t1"] = Answer("1 2")
    with world.run():
        asked = [server.next() for _ in range(2)]
        world.clock.wait_for_looks()
    assert ["/A/t1", "/B/t1"] == asked
    assert server.is_quiet
    [(symbol, reason)] = world.gaps()
    assert ("our A", True) == (symbol, f"was answered {status}" in reason)
    assert 0.0 == world.limits.blocked_s()


def test_a_failure_is_told_once_as_long_as_it_stays_so(
    make: Make, server: RestServer, caplog: pytest.LogCaptureFixture
) -> None:
    world = make()
    server.answers["/A/t1"] = Answer("busy", 503)
    server.answers["/markets"] = Answer("BTC-EUR")
    world.lose("A")
    for _ in range(3):
        world.worker._ask_markets(Event())
        world.worker._ask_trades(Event())
    told = [getattr(record, "reason", "") for record in caplog.records]
    assert ["GET /A/t1 was answered 503: busy"] == told
    assert "GET /A/t1 was answered 503: busy" == world.worker.error
    server.answers["/A/t1"] = Answer("1 2")
    world.worker._ask_trades(Event())
    assert "" == world.worker.error


def test_what_cannot_be_had_in_time_is_given_up_and_told(make: Make, server: RestServer) -> None:
    world = make(is_listing=False)
    world.lose("A")
    server.answers[""] = Answer("busy", 503)
    with world.run():
        server.next()
    assert [] == world.gaps()
    world.clock.s += GIVE_UP_S
    world.lose("B")
    with world.run():
        server.next()
    assert ("our A", "GET /A/t1 was answered 503: busy") in world.gaps()
    assert ["B"] == [question.raw_symbol for question in world.board.questions]


def test_a_long_outage_of_the_answers_leaves_no_question_behind(
    make: Make, server: RestServer
) -> None:
    world = make(is_listing=False)
    world.lose(*(f"S{number}" for number in range(400)))
    server.answers[""] = Answer("busy", 503)
    world.clock.s += GIVE_UP_S
    with world.run():
        server.next()
    assert 400 == len(world.gaps())
    assert not world.board.questions


def test_a_book_that_is_to_begin_is_asked_for_and_handed_over(
    make: Make, server: RestServer
) -> None:
    world = make(is_listing=False)
    server.answers["/BTCEUR/book"] = Answer("7")
    world.board.books_wanted.append("BTCEUR")
    world.worker._ask_books(Event())
    [(ts, snapshot)] = world.board.books
    assert (7, "BTCEUR") == (ts, snapshot.raw_symbol)


def test_a_book_that_cannot_be_had_is_left_to_whoever_wants_it(
    make: Make, server: RestServer
) -> None:
    world = make(is_listing=False)
    server.answers["/BTCEUR/book"] = Answer("broken", status=500)
    world.board.books_wanted.append("BTCEUR")
    world.worker._ask_books(Event())
    assert not world.board.books
    assert not world.board.books_wanted
    assert world.worker.error


def test_a_book_that_is_to_be_compared_is_asked_for_and_what_cannot_be_had_is_said(
    make: Make, server: RestServer
) -> None:
    world = make(is_listing=False)
    server.answers["/BTCEUR/book"] = Answer("7")
    server.answers["/ETHEUR/book"] = Answer("broken", status=500)
    world.board.audits_wanted.extend(["BTCEUR", "ETHEUR"])
    for _ in range(3):
        world.worker._ask_audit(Event())
    answers = [(answer.raw_symbol, answer.ts, answer.snapshot) for answer in world.board.audits]
    assert [("BTCEUR", 7, book("BTCEUR", 7)), ("ETHEUR", 7, None)] == answers
    assert not world.worker.error


@pytest.mark.parametrize(("book_interval_s", "longest_s"), [(0.25, 0.05), (None, 1.0)])
def test_it_looks_often_only_where_books_begin_over_rest(
    book_interval_s: float | None,
    longest_s: float,
    server: RestServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PACE_S", 1.0)
    waits: list[float] = []

    class Stop(Event):
        """Is set by the first wait."""

        @override
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            waits.append(timeout)
            self.set()
            return True

    world = World(server, tmp_path, is_listing=False, book_interval_s=book_interval_s)
    world.worker.run(Stop())
    world.client.close()
    assert [longest_s] == waits
