"""Answers and refusals become rows, without a server or a clock."""

from itertools import count
from typing import Any

import msgspec
import pytest

from booktape.errors import BooktapeError
from shared.errors import ConnectionLost, ExchangeError, MalformedMessage, RateLimited
from shared.event import FeedEvent, Snapshot
from shared.feed.names import Names
from shared.feed.polled import PolledFeed
from tests.support.readers import make_board
from tests.support.toys import Tape, book, make_exchange, market


class World:
    """The feed of a poller of two symbols."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.board = make_board(["BTC-EUR", "ETH-EUR"], ["book"])
        self.feed = PolledFeed(
            make_exchange(), self.board, url="http://127.0.0.1", connections=count()
        )
        self._ts = 0

    def receive(self, outcome: Snapshot | BooktapeError, raw_symbol: str = "BTCEUR") -> list[str]:
        """Return what it made of the outcome."""
        self._ts += 1
        rows = self.feed.receive(self._ts, 1000.0 + self._ts, raw_symbol, outcome)
        assert {self._ts} >= {ts for ts, _, _ in rows}
        self.feed.show()
        self.tape += rows
        return [event.kind if isinstance(event, FeedEvent) else "book" for _, _, event in rows]

    def details(self, kind: str) -> list[Any]:
        rows = [event for event in self.tape.events(FeedEvent) if event.kind == kind]
        return [msgspec.json.decode(row.detail) for row in rows]


@pytest.fixture
def world() -> World:
    return World()


def limited() -> RateLimited:
    return RateLimited("stop", retry_after_s=5.0)


def test_names_that_are_learnt_late_replace_those_of_the_rule(world: World) -> None:
    world.board.names = Names(make_exchange(names="list", raw_symbol=lambda symbol: f"?{symbol}"))
    world.receive(ExchangeError("no such market"), "?BTC-EUR")
    world.board.names.learn([market("BTC-EUR"), market("ETH-EUR")])
    assert ["connected", "book"] == world.receive(book("BTCEUR", None))
    assert set() == world.board.feed.refused


def test_the_first_answer_is_a_connection_and_each_one_a_book(world: World) -> None:
    assert ["connected", "book"] == world.receive(book("BTCEUR", None))
    assert ["book"] == world.receive(book("ETHEUR", None), "ETHEUR")
    assert [{"connection": 0, "url": "http://127.0.0.1"}] == world.details("connected")
    assert {"BTC-EUR", "ETH-EUR"} == world.board.feed.live
    assert 2 == world.board.feed.messages
    assert world.board.link.is_connected
    assert world.board.link.down_since_s is None


def test_an_outage_is_a_row_once_and_ends_the_book(world: World) -> None:
    assert [] == world.receive(ConnectionLost("nobody"))
    assert (0, 1000.0) == (world.board.link.reconnects, world.board.link.down_since_s)
    world.receive(book("BTCEUR", None))
    assert ["disconnected"] == world.receive(ConnectionLost("reset"))
    assert [] == world.receive(ConnectionLost("reset"))
    assert set() == world.board.feed.live
    assert [{"connection": 0, "reason": "reset", "symbols": ["BTC-EUR"]}] == world.details(
        "disconnected"
    )
    link = world.board.link
    assert (False, 1003.0, 1, "reset") == (
        link.is_connected,
        link.down_since_s,
        link.reconnects,
        link.error,
    )
    assert ["connected", "book"] == world.receive(book("BTCEUR", None))
    assert [0, 1] == [detail["connection"] for detail in world.details("connected")]
    assert (None, "") == (world.board.link.down_since_s, world.board.link.error)


def test_an_outage_ends_every_book_whichever_was_asked_for(world: World) -> None:
    for raw_symbol in ("ETHEUR", "BTCEUR"):
        world.receive(book(raw_symbol, None), raw_symbol)
    world.receive(ConnectionLost("reset"), "ETHEUR")
    assert ["BTC-EUR", "ETH-EUR"] == world.details("disconnected")[0]["symbols"]
    assert set() == world.board.feed.live


def test_a_limit_is_a_row_once_until_the_next_answer(world: World) -> None:
    world.receive(book("BTCEUR", None))
    assert ["rate_limited"] == world.receive(limited())
    assert [] == world.receive(limited())
    assert "stop; wait 5 s" == world.board.link.error
    assert set() == world.board.feed.live
    world.receive(book("BTCEUR", None))
    assert "" == world.board.link.error
    assert ["rate_limited"] == world.receive(limited())


def test_a_refused_symbol_is_a_row_once_until_its_next_answer(world: World) -> None:
    refused = ExchangeError("no such market")
    assert ["subscription_refused"] == world.receive(refused)
    assert [] == world.receive(refused)
    assert {"BTC-EUR"} == world.board.feed.refused
    world.receive(book("BTCEUR", None))
    assert set() == world.board.feed.refused
    assert ["subscription_refused"] == world.receive(refused)


def test_what_cannot_be_read_is_a_row_each_time(world: World) -> None:
    world.receive(book("BTCEUR", None))
    bad = MalformedMessage("no book", raw=b"<html>")
    assert [["malformed"]] * 2 == [world.receive(bad), world.receive(bad)]
    assert {"book: no book": 2} == world.board.feed.counts.malformed_reasons
    assert {"channel": "book", "reason": "no book", "raw": "<html>"} == world.details("malformed")[
        0
    ]
    assert set() == world.board.feed.live


def test_symbols_are_followed_and_answers_that_nobody_wants_any_more_are_none(
    world: World,
) -> None:
    world.receive(book("BTCEUR", None))
    world.receive(ExchangeError("no"), "ETHEUR")
    world.board.wanted = ("XRP-EUR",)
    assert [] == world.receive(book("BTCEUR", None))
    assert [] == world.receive(ExchangeError("no"), "ETHEUR")
    assert set() == world.board.feed.live | world.board.feed.refused
    assert ["book"] == world.receive(book("XRPEUR", None), "XRPEUR")


def test_the_end_of_a_connection_that_stands_is_a_row(world: World) -> None:
    assert [] == world.feed.end(1)
    world.receive(book("BTCEUR", None))
    detail = '{"connection":0,"reason":"stopped","symbols":["BTC-EUR"]}'
    assert [(2, None, FeedEvent("disconnected", detail=detail))] == world.feed.end(2)
    assert [] == world.feed.end(3)
    assert not world.board.link.is_connected


def test_a_book_that_somebody_looks_at_is_shown(world: World) -> None:
    world.receive(book("BTCEUR", None))
    assert {} == world.board.feed.tops
    world.board.watched = frozenset({"BTC-EUR"})
    world.receive(book("BTCEUR", None))
    assert ["BTC-EUR"] == list(world.board.feed.tops)
