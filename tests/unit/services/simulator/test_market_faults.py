"""Faults of whole markets."""

import json
from typing import Any

import pytest

from services.simulator.market_faults import (
    LATE_S,
    ODD_S,
    SILENT_S,
    STATUS_S,
    TOLD_S,
    UNREADABLE_S,
)
from services.simulator.protocol import TickerOfAll
from tests.unit.services.simulator.bitvavo.test_protocol import subscribe
from tests.unit.services.simulator.btcturk.test_protocol import join
from tests.unit.services.simulator.conftest import MakeWorld
from tests.unit.services.simulator.fakes import World, decoded
from tests.unit.services.simulator.test_book_faults import changes, run_until_told
from tests.unit.services.simulator.test_faults import BITVAVO, gaps, live

LISTS = {"bitvavo": "/v2/markets", "btcturk": "/api/v2/server/exchangeinfo"}
EXCHANGES = pytest.mark.parametrize("exchange", ["bitvavo", "btcturk"])


def status(world: World, name: str) -> str | None:
    """Return what the exchange's list says of a market; `None` where it is not there."""
    body: Any = json.loads(world.exchange.request(LISTS[world.exchange.name]).body)
    rows = body if isinstance(body, list) else body["data"]["symbols"]
    return next((r["status"] for r in rows if name in (r.get("market"), r.get("name"))), None)


@EXCHANGES
def test_a_halt_changes_a_book_unsaid_and_its_numbers_go_on(
    make_world: MakeWorld, exchange: str
) -> None:
    world, client = live(make_world, exchange, "halt_unsaid", "--fault-interval-s", "60")
    name = run_until_told(world, "halt_unsaid")
    market = next(one for one in world.exchange.markets if one.listing.raw_symbol == name)
    assert {"halted": True, "HALTED": True}[str(status(world, name))]
    assert market.hidden
    client[1].messages.clear()
    world.run(STATUS_S - 5)
    assert [] == changes(decoded(client[1]), name)
    world.run(10)
    assert status(world, name) in {"trading", "TRADING"}
    assert [] == gaps(world)
    world.run(TOLD_S)
    assert not market.hidden


@EXCHANGES
def test_an_auction_is_crossed_and_goes_on(make_world: MakeWorld, exchange: str) -> None:
    world, client = live(make_world, exchange, "auction", "--fault-interval-s", "60")
    name = run_until_told(world, "auction")
    market = next(one for one in world.exchange.markets if one.listing.raw_symbol == name)
    assert status(world, name) in {"auction", "AUCTION"}
    assert market.best_bid[0] >= market.best_ask[0]
    client[1].messages.clear()
    world.run(20)
    assert changes(decoded(client[1]), name)
    for _ in range(int(STATUS_S)):
        world.run(1)
        if status(world, name) in {"trading", "TRADING"}:
            break
    assert not market.is_in_auction
    assert market.best_bid[0] < market.best_ask[0]


@EXCHANGES
def test_odd_fields_are_written_for_a_while(make_world: MakeWorld, exchange: str) -> None:
    world, client = live(make_world, exchange, "odd_fields", "--fault-interval-s", "60")
    tickers = {"bitvavo": subscribe(("ticker", BITVAVO)), "btcturk": join("ticker", "BTCTRY")}
    world.say(client[0], tickers[exchange])
    client[1].messages.clear()
    name = run_until_told(world, "odd_fields")
    world.run(ODD_S - 5)
    sides = ("bids", "asks") if exchange == "bitvavo" else ("BO", "AO")
    books = [
        body for body in changes(decoded(client[1]), name) if "timestamp" in body or "CS" in body
    ]
    assert any(None in map(body.get, sides) for body in books)
    acknowledged, ticker = {
        "bitvavo": ('"trades":null', '"bestBid":null'),
        "btcturk": ('"message":null', '"B":null'),
    }[exchange]
    said = [str(message) for message in client[1].messages]
    assert any(acknowledged in message for message in said)
    assert any(ticker in message for message in said)
    world.run(10)
    client[1].messages.clear()
    world.run(20)
    now = changes(decoded(client[1]), name)
    assert now
    assert [] == [
        body for body in now if body.get("event") == "book" and None in map(body.get, sides)
    ]
    assert [] == gaps(world)


def test_a_market_is_not_listed_for_a_while(make_world: MakeWorld) -> None:
    world, (_, socket) = live(make_world, "bitvavo", "late_listing", "--fault-interval-s", "60")
    name = run_until_told(world, "late_listing")
    assert socket.is_aborted
    assert status(world, name) is None
    world.run(STATUS_S + 1)
    assert "trading" == status(world, name)


def test_the_only_market_stays_listed(make_world: MakeWorld) -> None:
    world, _ = live(make_world, "bitvavo", "late_listing", "--symbols", "1")
    world.run(60)
    assert [] == world.lines("fault")


def test_the_tickers_of_all_pairs_fall_silent_and_one_of_a_pair_does_not(
    make_world: MakeWorld,
) -> None:
    world, (connection, socket) = live(make_world, "btcturk", "silent_all")
    world.say(connection, join("ticker", "all"))
    assert "" == run_until_told(world, "silent_all") or socket.is_aborted
    connection, socket = world.connect()
    for event in ("all", "BTCTRY"):
        world.say(connection, join("ticker", event))
    world.run(10)
    numbers = {message[0] for message in decoded(socket)}
    assert 402 in numbers
    assert 401 not in numbers
    world.run(SILENT_S)
    assert 401 in {message[0] for message in decoded(socket)}
    assert isinstance(world.exchange, TickerOfAll)


def test_a_market_that_is_listed_anew_is_young(make_world: MakeWorld) -> None:
    world, _ = live(make_world, "bitvavo", "late_listing", "--fault-interval-s", "100")
    name = run_until_told(world, "late_listing")
    world.run(STATUS_S + 10)
    body: Any = json.loads(world.exchange.request(f"/v2/{name}/book").body)
    assert body["nonce"] < 256


def test_a_pair_says_nothing_to_who_joins_it_and_then_its_changes_alone(
    make_world: MakeWorld,
) -> None:
    world, (_, socket) = live(make_world, "btcturk", "late_first", "--fault-interval-s", "100")
    name = run_until_told(world, "late_first")
    assert socket.is_aborted
    connection, socket = world.connect()
    world.say(connection, join("obdiff", name))
    world.run(LATE_S - 5)
    assert {991, 100, 451, 801} >= {message[0] for message in decoded(socket)}
    world.run(15)
    assert changes(decoded(socket), name)
    assert 431 not in {message[0] for message in decoded(socket)}
    world.say(connection, join("obdiff", name, is_joining=False))
    world.say(connection, join("obdiff", name))
    world.run(1)
    assert 431 in {message[0] for message in decoded(socket)}
    assert [] == gaps(world)


@EXCHANGES
def test_the_prices_of_tickers_are_no_numbers_for_a_while(
    make_world: MakeWorld, exchange: str
) -> None:
    world, (connection, socket) = live(make_world, exchange, "unreadable", *("--rate", "60"))
    if exchange == "bitvavo":
        world.say(connection, subscribe(("ticker", ["BTC-EUR"])))
    else:
        world.say(connection, join("ticker", "all"))
    run_until_told(world, "unreadable")
    for marks in (True, False):
        socket.messages.clear()
        world.faults._names = []  # no other one follows
        world.run(UNREADABLE_S - 2)
        found = [one for one in map(str, socket.messages) if "icker" in one]
        assert found
        assert marks == all("~" in one for one in found)
        world.run(3)
