import json
from typing import Any

import pytest

from services.simulator.connection import ClientConnection
from services.simulator.faults import AIM_WAIT_S, DELISTED_S, REFUSAL_S
from services.simulator.garbage import BOOK_GARBAGE, PLAIN_GARBAGE
from tests.unit.services.simulator.bitvavo.test_protocol import subscribe
from tests.unit.services.simulator.btcturk.test_protocol import join
from tests.unit.services.simulator.conftest import MakeWorld
from tests.unit.services.simulator.fakes import FakeSocket, World, decoded

BITVAVO = ["BTC-EUR", "ETH-EUR", "USDT-EUR"]
BTCTURK = ["BTCTRY", "ETHTRY", "USDTTRY"]
Client = tuple[ClientConnection, FakeSocket]


def listen(world: World, client: Client) -> None:
    """Hold live books of all markets."""
    connection, _ = client
    if world.exchange.name == "bitvavo":
        world.say(connection, subscribe(("book", BITVAVO)))
        for market in BITVAVO:
            world.say(connection, {"action": "getBook", "market": market})
    else:
        for event in BTCTURK:
            world.say(connection, join("obdiff", event))
    world.time.pass_time(1)


def live(make_world: MakeWorld, exchange: str, fault: str, *more: str) -> tuple[World, Client]:
    arguments = ("--fault-interval-s", "2", "--rate", "20", "--levels", "60", *more)
    world = make_world(exchange, "--faults", fault, *arguments)
    client = world.connect()
    listen(world, client)
    return world, client


def holes(client: Client) -> list[tuple[str, int, int]]:
    """Return where a client sees sequences break: an independent look at what was sent."""
    last: dict[str, int] = {}
    found = []
    for message in decoded(client[1]):
        body: Any = message[1] if isinstance(message, list) else message
        name = body.get("market") or body.get("event")
        sequence = body.get("nonce", body.get("CS"))
        if isinstance(sequence, int):
            if not isinstance(message, list) or message[0] == 432:
                expected = last.get(name, sequence - 1) + 1
                if expected != sequence:
                    found.append((name, expected, sequence))
            last[name] = sequence
    return found


def gaps(world: World) -> list[tuple[str, int, int]]:
    return [
        (line["raw_symbol"], line["sequence_expected"], line["sequence_received"])
        for line in world.lines("fault")
        if line["is_gap"]
    ]


@pytest.mark.parametrize("exchange", ["bitvavo", "btcturk"])
@pytest.mark.parametrize("fault", ["gap", "nonce_reset"])
def test_each_break_is_told_with_both_its_numbers(
    make_world: MakeWorld, exchange: str, fault: str
) -> None:
    world, client = live(make_world, exchange, fault)
    seen: list[tuple[str, int, int]] = []
    for _ in range(5):
        world.run(6)
        seen += holes(client)
        client[1].messages.clear()
        listen(world, client)
        if exchange == "btcturk":
            for event in BTCTURK:
                world.say(client[0], join("obdiff", event, is_joining=False))
            listen(world, client)
        client[1].messages.clear()
    told = gaps(world)
    assert len(told) >= 3
    # Between the rounds the client does not look; what it saw was told.
    assert set(seen) <= set(told)
    assert {fault} == {line["fault"] for line in world.lines("fault")}


@pytest.mark.parametrize("exchange", ["bitvavo", "btcturk"])
def test_no_fault_is_aimed_at_a_book_that_nobody_holds(
    make_world: MakeWorld, exchange: str
) -> None:
    world = make_world(exchange, "--faults", "all", "--fault-interval-s", "1")
    connection, socket = world.connect()
    if exchange == "bitvavo":
        world.say(connection, subscribe(("book", BITVAVO)))
    world.run(300)
    assert [] == world.lines("fault")
    assert socket.is_open


def test_no_fault_is_aimed_at_a_connection_that_is_stalled(make_world: MakeWorld) -> None:
    world, (connection, socket) = live(make_world, "bitvavo", "all", "--fault-interval-s", "10")
    world.run(3)
    assert all(chain.is_settled for chain in connection.chains.values())
    connection.is_stalled = True
    for _ in range(300):
        world.time.pass_time(1)
        world.faults.advance([connection])
    assert [] == world.lines("fault")
    assert socket.is_open
    assert not any(chain.is_pending for chain in connection.chains.values())


def test_a_drop_cuts_and_a_close_closes(make_world: MakeWorld) -> None:
    world, (connection, socket) = live(make_world, "bitvavo", "drop")
    world.run(4)
    assert socket.is_aborted
    assert ("drop", "drop") == (connection.close_reason, world.lines("fault")[0]["fault"])
    world, (connection, socket) = live(make_world, "btcturk", "close")
    world.run(4)
    assert (1000, "close") == (socket.code, world.lines("fault")[0]["fault"])


def test_a_stall_is_silence_and_then_a_break_in_each_book(make_world: MakeWorld) -> None:
    world, client = live(make_world, "bitvavo", "stall", "--stall-s", "5")
    while not client[0].is_stalled:
        world.run(0.1)
    count = len(client[1].messages)
    world.run(4.8)
    assert count == len(client[1].messages)
    world.run(1.5)
    told = world.lines("fault")
    assert ("stall", 5.0, False) == (told[0]["fault"], told[0]["stall_s"], told[0]["is_gap"])
    assert set(BITVAVO) == {name for name, _, _ in gaps(world)}
    assert sorted(holes(client)) == sorted(gaps(world))


def test_every_kind_of_garbage_comes(make_world: MakeWorld) -> None:
    world, client = live(make_world, "bitvavo", "garbage")
    for _ in range(60):
        world.run(1)
        listen(world, client)
    kinds = [line["kind"] for line in world.lines("fault")]
    assert {*BOOK_GARBAGE, *PLAIN_GARBAGE} == set(kinds)
    assert len(kinds) > 6
    assert b"".join(m for m in client[1].messages if isinstance(m, bytes)) != b""
    spoilt = next(line for line in world.lines("fault") if line["kind"] == "truncated_book")
    assert spoilt["symbol"] in BITVAVO
    sent = [line["message"] for line in world.lines("sent") if "message" in line]
    assert any(f'"nonce":{spoilt["sequence_expected"]}' in text for text in sent)
    assert [] == gaps(world)


def test_after_a_cut_who_connects_is_refused_for_some_seconds(make_world: MakeWorld) -> None:
    world, (_, socket) = live(make_world, "bitvavo", "handshake_429")
    assert world.faults.refuse_handshake() is None
    while not socket.is_aborted:
        world.run(0.1)
    assert [] == world.lines("fault")  # nobody has been refused yet
    waits = []
    while (retry_after_s := world.faults.refuse_handshake()) is not None:
        waits.append(retry_after_s)
        world.time.pass_time(1)
    assert int(REFUSAL_S) == waits[0]
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] >= 1
    assert waits == [line["retry_after_s"] for line in world.lines("fault")]


def test_a_halted_market_falls_silent_and_comes_back(make_world: MakeWorld) -> None:
    world, client = live(
        make_world, "bitvavo", "halted", "--halt-s", "3", "--fault-interval-s", "20"
    )
    while not world.lines("fault"):
        world.run(0.1)
    name = world.lines("fault")[0]["raw_symbol"]
    client[1].messages.clear()
    status = json.loads(world.exchange.request(f"/v2/markets?market={name}").body)["status"]
    refused = world.exchange.request(f"/v2/{name}/book").status
    world.run(2.5)
    silent = [m for m in decoded(client[1]) if m.get("market") == name]
    world.run(2)
    loud = [m for m in decoded(client[1]) if m.get("market") == name]
    assert ("halted", 409, []) == (status, refused, silent)
    assert loud
    assert [] == gaps(world)


def test_pings_are_left_unanswered_and_told_one_by_one(make_world: MakeWorld) -> None:
    world, (_, socket) = live(make_world, "bitvavo", "no_pong")
    world.run(4)
    assert [] == world.lines("fault")
    assert socket.on_withheld is not None
    socket.on_withheld()
    assert ["no_pong"] == [line["fault"] for line in world.lines("fault")]


def test_a_delisted_market_refuses_the_next_subscribe_and_comes_back(
    make_world: MakeWorld,
) -> None:
    world, (connection, socket) = live(make_world, "bitvavo", "bad_symbol")
    while not socket.is_aborted:
        world.run(0.1)
    world.simulation.closed(connection)
    assert [] == world.lines("fault")
    again, socket = world.connect()
    world.say(again, subscribe(("book", BITVAVO)))
    assert "market parameter USDT-EUR is invalid." == decoded(socket)[0]["error"]
    assert ["USDT-EUR"] == [line["symbol"] for line in world.lines("fault")]
    world.run(DELISTED_S)
    world.say(again, subscribe(("book", BITVAVO)))
    assert "subscribed" == decoded(socket)[1]["event"]


def test_the_only_market_is_never_delisted(make_world: MakeWorld) -> None:
    world = make_world("bitvavo", "--symbols", "1", "--faults", "bad_symbol")
    connection, socket = world.connect()
    world.say(connection, subscribe(("book", ["BTC-EUR"])))
    world.say(connection, {"action": "getBook", "market": "BTC-EUR"})
    world.run(60)
    assert socket.is_open


def test_a_snapshot_in_mid_stream_is_told_and_is_no_gap(make_world: MakeWorld) -> None:
    world, client = live(make_world, "btcturk", "snapshot_midstream")
    world.run(30)
    told = world.lines("fault")
    assert len(told) >= 5
    assert [] == gaps(world) == holes(client)
    books = [(body["event"], body["CS"]) for kind, body in decoded(client[1]) if kind == 431]
    assert [(line["raw_symbol"], line["sequence_received"]) for line in told] == books[3:]


def test_faults_come_by_turns_on_a_seeded_schedule(make_world: MakeWorld) -> None:
    def told(seed: str) -> list[tuple[str, str]]:
        world, client = live(make_world, "bitvavo", "halted,gap", "--halt-s", "0.5", "--seed", seed)
        for _ in range(40):
            world.run(1)
            listen(world, client)
        return [(line["fault"], line["symbol"]) for line in world.lines("fault")]

    names = [name for name, _ in told("1")]
    assert ["halted", "gap"] * 3 == names[:6]
    assert told("1") == told("1")
    assert told("1") != told("2")


def test_a_fault_without_an_aim_waits_and_then_passes(make_world: MakeWorld) -> None:
    world, (_, socket) = live(make_world, "bitvavo", "bad_symbol,drop")
    connection = world.simulation.connections[1]
    world.say(connection, {**subscribe(("book", ["USDT-EUR"])), "action": "unsubscribe"})
    world.run(AIM_WAIT_S - 5)
    assert socket.is_open  # nobody holds the market that would be delisted
    world.run(20)
    assert ["drop"] == [line["fault"] for line in world.lines("fault")]


def test_at_the_end_every_fault_is_over(make_world: MakeWorld) -> None:
    world, client = live(make_world, "bitvavo", "gap")
    market = world.market("ETH-EUR")
    connection, socket = client
    connection.answer_pings(is_answering=False)
    connection.chains["ETH-EUR"].withheld = 9
    connection.chains["USDT-EUR"].garbage = str.lower
    world.faults.end([connection])
    world.run(30)
    assert socket.on_withheld is None
    assert market.is_moving
    assert [] == world.lines("fault")
    assert [] == holes(client)
