import itertools
import json
from typing import Any

import pytest

from services.simulator.btcturk.protocol import CHATTER
from services.simulator.connection import ClientConnection
from tests.support.paths import RECORDINGS
from tests.unit.services.simulator.conftest import MakeWorld
from tests.unit.services.simulator.fakes import FakeSocket, World, decoded

Client = tuple[ClientConnection, FakeSocket]


def recorded(name: str) -> list[Any]:
    return [json.loads(line) for line in (RECORDINGS / "btcturk" / name).read_text().splitlines()]


def join(channel: str, event: str, *, is_joining: bool = True) -> list[object]:
    return [151, {"type": 151, "channel": channel, "event": event, "join": is_joining}]


def frames(client: Client, kind: int) -> list[Any]:
    return [body for number, body in decoded(client[1]) if number == kind]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world("btcturk")


@pytest.fixture
def client(world: World) -> Client:
    return world.connect()


def test_the_version_is_told_unasked(client: Client) -> None:
    assert recorded("ws_session_obdiff_2026-09-23.jsonl")[:1] == decoded(client[1])


def test_a_join_is_acknowledged_whatever_it_names(world: World, client: Client) -> None:
    asked = [("obdiff", "BTCTRY"), ("obdiff", "NOPETRY"), ("obdiff", "btctry"), ("x", "all")]
    for channel, event in asked:
        world.say(client[0], join(channel, event))
    assert [
        {"type": 100, "ok": True, "message": f"join|{channel}:{event}"} for channel, event in asked
    ] == frames(client, 100)
    assert recorded("ws_session_obdiff_2026-09-23.jsonl")[-1] == decoded(client[1])[2]
    world.run(3)
    assert ["BTCTRY"] == [frame["event"] for frame in frames(client, 431)]


def test_a_second_join_is_refused_and_sends_no_snapshot(world: World, client: Client) -> None:
    for _ in range(2):
        world.say(client[0], join("obdiff", "BTCTRY"))
        world.run(1)
    assert [True, False] == [frame["ok"] for frame in frames(client, 100)]
    assert 1 == len(frames(client, 431))
    assert frames(client, 432)


def test_what_it_does_not_understand_gets_no_reply(world: World, client: Client) -> None:
    client[1].messages.clear()
    for message in ({"event": "ping"}, [151], [151, {"channel": "obdiff"}], [7, {}], "x", 5):
        world.say(client[0], message)
    world.say(client[0], [151, {"channel": "obdiff", "event": ["BTCTRY"], "join": True}])
    world.exchange.received(client[0], "no json")
    assert [] == client[1].messages
    assert client[1].is_open


def test_a_snapshot_then_changes_that_continue_it(world: World, client: Client) -> None:
    world.say(client[0], join("obdiff", "BTCTRY"))
    world.run(20)
    books = [body for number, body in decoded(client[1]) if number in (431, 432)]
    assert "AO" in books[0]
    numbers = [book["CS"] for book in books]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert 10 < len(numbers) < 30


def test_each_subscription_has_its_own_numbers(world: World) -> None:
    clients = [world.connect(), world.connect()]
    for client in clients:
        world.say(client[0], join("obdiff", "BTCTRY"))
    world.say(clients[0][0], join("orderbook", "BTCTRY"))
    world.run(5)
    starts = [frames(client, 431)[0]["CS"] for client in clients]
    whole = [frame for frame in frames(clients[0], 431) if frame["channel"] == "orderbook"]
    assert starts[0] != starts[1]
    assert whole[0]["CS"] not in starts
    levels = [[frame["BO"] for frame in frames(client, 432)] for client in clients]
    assert levels[0] == levels[1]  # the same changes under other numbers
    final = world.exchange.final_sequence(world.market("BTCTRY"))
    assert {1: frames(clients[0], 432)[-1]["CS"], 2: frames(clients[1], 432)[-1]["CS"]} == final


def test_leaving_and_joining_again_brings_a_new_snapshot(world: World, client: Client) -> None:
    world.say(client[0], join("obdiff", "BTCTRY"))
    world.run(2)
    world.say(client[0], join("obdiff", "BTCTRY", is_joining=False))
    count = len(client[1].messages)
    world.run(2)
    assert all(number in (451, 801) for number, _ in decoded(client[1])[count:])
    world.say(client[0], join("obdiff", "BTCTRY"))
    world.run(2)
    assert ["join|obdiff:BTCTRY", "leave|obdiff:BTCTRY", "join|obdiff:BTCTRY"] == [
        frame["message"] for frame in frames(client, 100)
    ]
    assert 2 == len(frames(client, 431))


def test_who_leaves_before_the_snapshot_gets_none(world: World, client: Client) -> None:
    world.say(client[0], join("obdiff", "BTCTRY"))
    world.say(client[0], join("obdiff", "BTCTRY", is_joining=False))
    world.run(2)
    assert [] == frames(client, 431)


def test_frames_have_the_recorded_shapes(world: World, client: Client) -> None:
    for channel in ("obdiff", "trade", "ticker"):
        world.say(client[0], join(channel, "BTCTRY"))
    world.say(client[0], join("ticker", "all"))
    world.run(120)
    samples = {
        431: recorded("ws_431_obdiff_BTCUSDT_full100_2022-03-18.json")[0],
        432: recorded("ws_session_obdiff_2026-09-23.jsonl")[4],
        421: recorded("ws_421_tradelist_BTCTRY_2026-08-26_edited2.json")[0],
        422: recorded("ws_422_trades_2022.jsonl")[3],
        402: recorded("ws_402_ticker.jsonl")[0],
        401: recorded("ws_401_ticker_all_2026-08_edited2.json")[0],
    }
    for number, (_, sample) in samples.items():
        full = [f for f in frames(client, number) if f.get("AO", True) and f.get("BO", True)]
        assert full
        assert list(sample) == list(full[0])
        assert flat(sample) == flat(full[0])


def flat(value: object) -> object:
    """Return keys and types; the order of keys inside items differs by year."""
    if isinstance(value, dict):
        return sorted(((key, flat(item)) for key, item in value.items()), key=str)
    return [flat(value[0])] if isinstance(value, list) else type(value).__name__


def test_the_ticker_repeats_itself(world: World, client: Client) -> None:
    world.say(client[0], join("ticker", "BTCTRY"))
    world.run(60)
    tickers = frames(client, 402)
    assert 75 <= len(tickers) <= 80
    assert any(one == other for one, other in itertools.pairwise(tickers))


def test_the_last_trades_come_newest_first_and_then_each_one(world: World, client: Client) -> None:
    world.say(client[0], join("trade", "BTCTRY"))
    world.run(90)
    items = frames(client, 421)[0]["items"]
    identities = [int(item["I"]) for item in items]
    assert identities == list(range(identities[0], identities[0] - 50, -1))
    singles = frames(client, 422)
    assert [identities[0] + 1 + n for n in range(len(singles))] == [int(t["I"]) for t in singles]
    assert {18} == {len(item["I"]) for item in items}
    assert {0, 1} == {item["S"] for item in items}


def test_now_and_then_comes_what_nobody_has_asked_for(world: World, client: Client) -> None:
    world.run(600)
    kinds = [number for number, _ in decoded(client[1])[1:]]
    assert {451, 801} == set(kinds)
    assert 8 < len(kinds) < 40
    assert json.loads(CHATTER[0]) == recorded("ws_misc_control.jsonl")[-1]


def test_a_reset_and_a_snapshot_in_mid_stream_number_anew(world: World, client: Client) -> None:
    world.say(client[0], join("obdiff", "BTCTRY"))
    world.run(5)
    chain = client[0].chains["BTCTRY"]
    count = len(decoded(client[1]))
    received = world.exchange.send_snapshot(client[0], chain)
    world.run(5)
    after = [body["CS"] for number, body in decoded(client[1])[count:] if number in (431, 432)]
    assert after == list(range(received, received + len(after)))
    world.exchange.reset_sequence(world.market("BTCTRY"))
    world.run(5)
    fault = world.lines("fault")[0]
    assert ("nonce_reset", after[-1] + 1, True) == (
        fault["fault"],
        fault["sequence_expected"],
        fault["is_gap"],
    )


def test_connections_come_at_most_fifteen_a_minute(world: World) -> None:
    for path in ("/", "", "/ws", "/market") * 3 + ("/",) * 3:
        assert world.exchange.handshake(path) is None
    refusal = world.exchange.handshake("/")
    assert refusal is not None
    assert (429, "60") == (refusal.status, refusal.headers["Retry-After"])
    world.time.pass_time(59)
    assert world.exchange.handshake("/") is not None
    world.time.pass_time(1)
    assert world.exchange.handshake("/") is None


def test_only_known_paths_are_let_in(world: World) -> None:
    refusal = world.exchange.handshake("/other")
    assert refusal is not None
    assert 404 == refusal.status


def test_a_client_that_is_gone_is_forgotten(world: World, client: Client) -> None:
    for channel, event in (("obdiff", "BTCTRY"), ("ticker", "all"), ("trade", "NOPE")):
        world.say(client[0], join(channel, event))
    world.run(1)
    world.say(client[0], join("ticker", "BTCTRY"))
    world.simulation.closed(client[0])
    client[1].messages.clear()
    world.run(5)
    assert [] == client[1].messages


def test_rest_is_answered(world: World) -> None:
    assert {"pong": True} == json.loads(world.exchange.request("/api/v2/server/ping").body)
