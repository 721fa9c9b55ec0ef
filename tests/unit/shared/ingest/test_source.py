"""What came into an inbox, made into rows; no socket, no thread."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import pytest

from shared.errors import ConnectionLost
from shared.event import FeedEvent, Subscribed, Trade
from shared.exchange import Message, Raw
from shared.feed.polled import PolledFeed
from shared.ingest import source as module
from shared.ingest.source import ROWS_FEW, PolledSource, SocketSource
from shared.transport.inbox import Closed, Inbox, Opened, Over, Polled, SocketRead, TurnedAway
from tests.support.readers import make_board, make_feed
from tests.support.toys import Tape, book, make_exchange, trade

URL = "ws://127.0.0.1/"


def parse(raw: Raw) -> list[Message]:
    """Read "ready", or the number of a trade."""
    text = bytes(raw).decode()
    return [Subscribed("trades", ["BTCEUR"])] if text == "ready" else [trade(int(text))]


class World:
    """A source whose inbox the test fills, and its clock."""

    def __init__(self, connections: Iterator[int] | None = None) -> None:
        self.tape = Tape()
        self.now_s = 1000.0
        self.inbox = Inbox(lambda _: None)
        self.board = make_board(["BTC-EUR"], ["trades"])
        self.feed = make_feed(make_exchange(parse=parse), self.board)
        self.source = SocketSource(
            self.inbox,
            self.feed,
            connections=connections or count(),
            clock_ns=lambda: int(self.now_s),
            steady_s=lambda: self.now_s,
        )

    def open(self, number: int = 1) -> None:
        self.inbox.append(Opened(number, int(self.now_s), self.now_s, URL))

    def say(self, *texts: str) -> None:
        messages = [text.encode() for text in texts]
        batch = SocketRead(int(self.now_s), self.now_s, messages, len(messages), 0)
        self.inbox.append(batch)

    def digest(self) -> int:
        """Digest once; return how many rows came at once, at most."""
        parts = list(self.source.digest())
        for rows in parts:
            self.tape += rows
        return max(map(len, parts), default=0)

    def begin(self) -> None:
        """Open a connection whose subscription stands."""
        self.open()
        self.digest()
        self.say("ready", "1")
        self.now_s += 0.1
        self.digest()
        self.tape.clear()

    def ids(self) -> list[str]:
        return [one.trade_id for one in self.tape.events(Trade)]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.tape.events(FeedEvent)]


@pytest.fixture
def world() -> World:
    return World()


def test_a_connection_goes_from_its_beginning_to_its_end(world: World) -> None:
    world.open()
    world.say("ready", "1")
    world.inbox.append(Closed(1001, "reset"))
    world.inbox.append(TurnedAway(1002, 5.0, "429"))
    world.inbox.append(Over(1003))
    assert 6 == world.source.backlog
    world.digest()
    assert 0 == world.source.backlog
    assert ["connected", "disconnected", "rate_limited"] == world.kinds()
    assert [1000, 1001, 1002] == [ts for ts, _, _ in world.tape]


def test_what_comes_is_recorded_with_the_time_it_came(world: World) -> None:
    world.begin()
    world.now_s = 1007.0
    world.say("2", "3")
    world.now_s = 1009.0
    world.digest()
    assert [(1007, "BTC-EUR", trade(2)), (1007, "BTC-EUR", trade(3))] == world.tape


def test_what_the_feed_asks_is_for_the_connection_that_it_is_on(world: World) -> None:
    world.open(3)
    world.digest()
    assert [(3, "join trades BTCEUR")] == list(world.inbox.outbox)


def test_a_turn_has_its_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DIGEST_MESSAGES_MAX", 3)
    world.begin()
    for first in (2, 4, 6, 8):
        world.say(str(first), str(first + 1))
    world.digest()
    assert ["t2", "t3", "t4", "t5"] == world.ids()
    assert 4 == world.source.backlog


def test_of_a_long_read_the_rows_come_a_few_at_a_time(world: World) -> None:
    world.begin()
    numbers = range(10, 10 + 3 * ROWS_FEW + 1)
    world.say(*map(str, numbers))
    assert ROWS_FEW == world.digest()
    assert [f"t{number}" for number in numbers] == world.ids()
    assert {1000} == {ts for ts, _, event in world.tape if isinstance(event, Trade)}


def test_of_many_short_ones_too(world: World) -> None:
    world.begin()
    numbers = range(10, 10 + 3 * ROWS_FEW + 1)
    for number in numbers:
        world.say(str(number))
    assert ROWS_FEW == world.digest()
    assert [f"t{number}" for number in numbers] == world.ids()


def test_a_feed_that_gives_its_connection_up_says_so_once_and_has_no_more_chores(
    world: World,
) -> None:
    world.open()
    world.digest()
    for _ in range(4):
        world.now_s += 10.1
        world.digest()
        world.now_s += 0.1
        world.digest()
    assert world.inbox.given_up is not None
    number, lost = world.inbox.given_up
    assert (1, "no answer to a subscription in 10 s, twice") == (number, str(lost))
    assert isinstance(lost, ConnectionLost)
    world.inbox.outbox.clear()
    world.inbox.append(Closed(1050, "given up"))
    world.open(2)
    world.digest()
    assert [(2, "join trades BTCEUR")] == list(world.inbox.outbox)


def test_between_two_connections_there_are_no_chores(world: World) -> None:
    world.begin()
    world.inbox.append(Closed(1001, "reset"))
    world.digest()
    world.tape.clear()
    world.now_s += 1000.0
    assert 0 == world.digest()
    assert [] == world.tape


def test_a_feed_that_lags_behind_lives_in_the_time_of_what_it_has_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DIGEST_MESSAGES_MAX", 1)
    world.begin()
    world.say("2")
    world.digest()
    world.say("3")
    world.now_s += 25.0
    world.say("4")
    world.digest()
    assert ["t2", "t3"] == world.ids()
    assert "stale" not in world.kinds()
    world.digest()
    world.now_s += 51.0
    world.digest()
    assert "stale" in world.kinds()


def test_the_reader_is_told_on_which_connection_data_came(world: World) -> None:
    world.open(4)
    world.say("ready")
    world.digest()
    assert 0 == world.inbox.flowing
    world.say("1")
    world.digest()
    assert 4 == world.inbox.flowing


def test_how_the_feed_stands_is_shown_at_once_and_then_now_and_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHOW_S", 5.0)
    world.open()
    world.digest()
    world.now_s += 1.0
    world.say("ready", "1")
    world.digest()
    assert 0 == world.board.feed.messages
    world.now_s += 4.1
    world.digest()
    assert 2 == world.board.feed.messages
    assert {"BTC-EUR"} == world.board.feed.live
    world.inbox.append(Closed(1001, "reset"))
    world.digest()
    assert set() == world.board.feed.live


@pytest.mark.parametrize("delivery", [Polled(1, 1.0, "BTCEUR", book("BTCEUR", None), 0)])
def test_what_is_for_no_socket_is_a_fault_of_our_own(world: World, delivery: Any) -> None:
    world.inbox.append(delivery)
    with pytest.raises(AssertionError):
        world.digest()


def test_polled_books_become_rows_until_the_end() -> None:
    inbox = Inbox(lambda _: None)
    board = make_board(["BTC-EUR"], ["book"])
    source = PolledSource(inbox, PolledFeed(make_exchange(), board, url=URL, connections=count()))
    tape = Tape()
    inbox.append(Polled(1, 1.0, "BTCEUR", book("BTCEUR", None), 0))
    inbox.append(Over(2))
    assert 2 == source.backlog
    for rows in source.digest():
        tape += rows
    assert [1, 1, 2] == [ts for ts, _, _ in tape]
    assert {"BTC-EUR"} == board.feed.live
    inbox.append(Closed(3, "what no poller says"))
    with pytest.raises(AssertionError):
        list(source.digest())


def test_connections_are_counted_over_all_sockets_of_the_session() -> None:
    connections = count()
    worlds = [World(connections), World(connections)]
    for world in (*worlds, worlds[0]):
        world.open()
        world.digest()
        world.inbox.append(Closed(3, "reset"))
        world.digest()
    found = [
        [msgspec.json.decode(e.detail)["connection"] for e in world.tape.events(FeedEvent)]
        for world in worlds
    ]
    assert [[0, 0, 2, 2], [1, 1]] == found
