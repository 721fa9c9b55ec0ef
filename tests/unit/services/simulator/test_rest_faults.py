"""Faults of answers over REST, and of lists of trades."""

import json
from typing import Any

import pytest

from services.simulator.rest_faults import NO_ENDPOINT_S, SHORT_S
from tests.unit.services.simulator.btcturk.test_protocol import join
from tests.unit.services.simulator.conftest import MakeWorld
from tests.unit.services.simulator.fakes import World, decoded
from tests.unit.services.simulator.test_book_faults import run_until_told
from tests.unit.services.simulator.test_faults import live

TRADES = {"bitvavo": "/v2/BTC-EUR/trades", "btcturk": "/api/v2/trades?pairSymbol=BTCTRY&last=50"}
LISTS = {"bitvavo": "/v2/markets", "btcturk": "/api/v2/server/exchangeinfo"}
EXCHANGES = pytest.mark.parametrize("exchange", ["bitvavo", "btcturk"])
ONCE = ("--fault-interval-s", "100")


def list_trades(world: World) -> list[Any]:
    body: Any = json.loads(world.exchange.request(TRADES[world.exchange.name]).body)
    return body if isinstance(body, list) else body["data"]


@EXCHANGES
def test_lists_of_trades_begin_behind_a_cut_for_a_while(
    make_world: MakeWorld, exchange: str
) -> None:
    world, (_, socket) = live(make_world, exchange, "short_trades", *ONCE)
    assert len(list_trades(world)) >= 50
    while not socket.is_aborted:
        world.run(0.1)
    assert {"short_trades"} == {line["fault"] for line in world.lines("fault")}
    ts_cut = world.time.ns()
    world.run(SHORT_S - 1)
    times = [row.get("timestamp", row.get("date")) for row in list_trades(world)]
    assert all(time * 1_000_000 >= ts_cut - 200_000_000 for time in times)
    assert len(times) < 50
    world.run(2)
    assert len(list_trades(world)) >= 50


def test_the_list_of_a_join_is_short_too(make_world: MakeWorld) -> None:
    world, (_, socket) = live(make_world, "btcturk", "short_trades", *ONCE)
    while not socket.is_aborted:
        world.run(0.1)
    connection, socket = world.connect()
    world.say(connection, join("trade", "BTCTRY"))
    world.run(1)
    (items,) = [one[1]["items"] for one in decoded(socket) if one[0] == 421]
    assert len(items) < 50


@EXCHANGES
def test_every_path_is_unknown_for_a_while(make_world: MakeWorld, exchange: str) -> None:
    world, (_, socket) = live(make_world, exchange, "no_endpoint", *ONCE)
    while not socket.is_aborted:
        world.run(0.1)
    for path in (TRADES[exchange], LISTS[exchange]):
        answer = world.exchange.request(path)
        assert 404 == answer.status
        assert (exchange == "bitvavo") == (b'"errorCode":110' in answer.body)
    world.run(NO_ENDPOINT_S + 1)
    assert 200 == world.exchange.request(LISTS[exchange]).status


@EXCHANGES
def test_one_question_in_a_run_is_answered_429_without_an_end(
    make_world: MakeWorld, exchange: str
) -> None:
    world, _ = live(make_world, exchange, "endless_429")
    assert "None" == run_until_told(world, "endless_429")
    answers = [world.exchange.request(LISTS[exchange]) for _ in range(3)]
    assert [429, 200, 200] == [answer.status for answer in answers]
    assert "Retry-After" not in answers[0].headers
    world.run(30)
    assert 1 == len(world.lines("fault"))
    assert 200 == world.exchange.request(LISTS[exchange]).status


def test_without_a_client_nothing_happens(make_world: MakeWorld) -> None:
    for fault in ("short_trades", "no_endpoint", "endless_429"):
        world = make_world("bitvavo", "--faults", fault, "--fault-interval-s", "2")
        world.run(60)
        assert [] == world.lines("fault")
