import json
from typing import Any

import pytest

from services.simulator.connection import ClientConnection
from tests.support.paths import RECORDINGS
from tests.unit.services.simulator.conftest import MakeWorld
from tests.unit.services.simulator.fakes import FakeSocket, World, decoded, shape


def recorded(name: str) -> list[Any]:
    return [json.loads(line) for line in (RECORDINGS / "bitvavo" / name).read_text().splitlines()]


def subscribe(*channels: tuple[str, list[str]], **more: object) -> dict[str, object]:
    names = [{"name": name, "markets": markets} for name, markets in channels]
    return {"action": "subscribe", "channels": names, **more}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world("bitvavo")


@pytest.fixture
def client(world: World) -> tuple[ClientConnection, FakeSocket]:
    return world.connect()


Client = tuple[ClientConnection, FakeSocket]


def ask(world: World, client: Client, message: object) -> Any:
    """Return the answer to one message; a book needs a moment."""
    connection, socket = client
    socket.messages.clear()
    world.say(connection, message)
    world.time.pass_time(1)
    return decoded(socket)[-1]


def test_nothing_is_said_first(client: Client) -> None:
    assert [] == client[1].messages


def test_an_acknowledgement_lists_everything_subscribed(world: World, client: Client) -> None:
    ask(world, client, subscribe(("book", ["BTC-EUR"])))
    expected = {
        "event": "subscribed",
        "requestId": 7,
        "subscriptions": {"book": ["BTC-EUR", "ETH-EUR"], "ticker": ["BTC-EUR"]},
    }
    again = subscribe(("book", ["ETH-EUR"]), ("ticker", ["BTC-EUR"]), requestId=7)
    assert expected == ask(world, client, again)
    assert expected == ask(world, client, again)  # acknowledged once more


def test_who_subscribes_twice_gets_each_event_once(world: World, client: Client) -> None:
    for _ in range(2):
        ask(world, client, subscribe(("book", ["BTC-EUR"])))
    client[1].messages.clear()
    world.run(2)
    nonces = [message["nonce"] for message in decoded(client[1])]
    assert nonces == list(range(nonces[0], nonces[0] + len(nonces)))
    assert 10 < len(nonces) < 30


def test_unsubscribing_ends_the_events(world: World, client: Client) -> None:
    ask(world, client, subscribe(("book", ["BTC-EUR"]), ("trades", ["BTC-EUR", "ETH-EUR"])))
    leave = {**subscribe(("book", ["BTC-EUR"]), ("trades", ["BTC-EUR"])), "action": "unsubscribe"}
    expected = {"event": "unsubscribed", "subscriptions": {"trades": ["ETH-EUR"]}}
    assert expected == ask(world, client, leave)
    assert {} == client[0].chains
    world.run(1)
    assert all(message["market"] == "ETH-EUR" for message in decoded(client[1])[1:])


def test_every_recorded_error_is_made(world: World, client: Client) -> None:
    world.market("USDT-EUR").is_halted = True
    book = {"action": "getBook", "market": "NOPE-EUR", "requestId": 90}
    asked: list[object] = [
        subscribe(("book", ["BTC-EUR", "NOPE-EUR"])),
        subscribe(("book", [])),
        subscribe(("nonsense", ["BTC-EUR"])),
        book,
        {**book, "market": "USDT-EUR", "requestId": 91},
        {**book, "market": "BTC-EUR", "depth": 5000, "requestId": 92},
        {"action": "nonsense"},
        ["no object"],
        subscribe(("account", ["BTC-EUR"])),
    ]
    expected = recorded("ws_errors_2026-09-23_probe.jsonl")
    answers = [ask(world, client, message) for message in asked]
    text = json.dumps(answers).replace("USDT-EUR", "WMTX-EUR")
    assert expected == json.loads(text)
    assert [list(one) for one in expected] == [list(one) for one in answers]  # in this order


def test_one_bad_market_refuses_the_whole_subscribe(world: World, client: Client) -> None:
    ask(world, client, subscribe(("book", ["BTC-EUR", "btc-eur"])))
    assert {} == client[0].subscriptions


def test_text_that_is_no_json_is_an_error_and_the_socket_stays(
    world: World, client: Client
) -> None:
    world.exchange.received(client[0], "{nonsense")
    assert [{"errorCode": 102, "error": "Invalid JSON."}] == decoded(client[1])
    assert client[1].is_open


def test_its_messages_have_the_recorded_shapes(world: World, client: Client) -> None:
    markets = ["BTC-EUR", "ETH-EUR", "USDT-EUR"]
    ask(world, client, subscribe(("book", markets), ("ticker", markets), ("trades", markets)))
    world.run(20)
    messages = [m for m in decoded(client[1]) if "event" in m]
    books = [m for m in messages if m["event"] == "book" and m["bids"] and m["asks"]]
    standard = recorded("ws_standard_2026-09-23_probe.jsonl")
    assert {str(shape(standard[2]))} == {str(shape(book)) for book in books}
    tickers = {str(list(m)) for m in messages if m["event"] == "ticker"}
    assert {str(list(standard[3])), str(list(standard[4]))} <= tickers
    trades = [m for m in messages if m["event"] == "trade"]
    assert shape(recorded("ws_trades_genuine.jsonl")[1]) == shape(trades[0])
    answer = ask(world, client, {"action": "getBook", "market": "BTC-EUR", "requestId": 1})
    assert shape(standard[6]) == shape(answer)
    assert shape(standard[5]) == shape(ask(world, client, {"action": "getTime"}))


def test_changes_are_padded_and_snapshots_are_not(world: World, client: Client) -> None:
    ask(world, client, subscribe(("book", ["BTC-EUR"])))
    world.run(5)
    changes = [m for m in decoded(client[1]) if m.get("event") == "book"]
    levels = [level for m in changes for level in m["bids"] + m["asks"]]
    assert all(price.endswith(".00") for price, _ in levels)
    assert {8} == {len(size.split(".")[1]) for _, size in levels if size != "0"}
    assert "0" in {size for _, size in levels}
    answer = ask(world, client, {"action": "getBook", "market": "BTC-EUR"})["response"]
    assert not any("." in price for price, _ in answer["bids"] + answer["asks"])
    assert any(not size.endswith("0") for _, size in answer["bids"])


def test_an_event_is_older_than_its_sending(world: World, client: Client) -> None:
    ask(world, client, subscribe(("book", ["BTC-EUR"])))
    world.run(1)
    now = world.time.ns()
    ages = [now - m["timestamp"] for m in decoded(client[1]) if m.get("event") == "book"]
    assert ages
    assert all(age >= 75_000_000 for age in ages)


def test_a_book_comes_late_and_at_the_nonce_of_the_newest_event(
    world: World, client: Client
) -> None:
    connection, socket = client
    ask(world, client, subscribe(("book", ["BTC-EUR"])))
    world.say(connection, {"action": "getBook", "market": "BTC-EUR"})
    world.run(1)
    messages = decoded(socket)[1:]
    at = next(n for n, message in enumerate(messages) if "response" in message)
    assert at > 0
    nonces = [message["nonce"] for message in messages if "nonce" in message]
    assert nonces[at - 1] == messages[at]["response"]["nonce"]
    assert nonces == list(range(nonces[0], nonces[0] + len(nonces)))


def test_a_nonce_can_start_again(world: World, client: Client) -> None:
    ask(world, client, subscribe(("book", ["BTC-EUR"])))
    world.exchange.reset_sequence(world.market("BTC-EUR"))
    world.run(1)
    assert 1 == decoded(client[1])[1]["nonce"]
    final = world.exchange.final_sequence(world.market("BTC-EUR"))
    assert decoded(client[1])[-1]["nonce"] == final


def test_a_halted_market_is_acknowledged_and_silent(world: World, client: Client) -> None:
    world.market("BTC-EUR").is_halted = True
    answer = ask(world, client, subscribe(("book", ["BTC-EUR"])))
    assert {"book": ["BTC-EUR"]} == answer["subscriptions"]
    world.run(3)
    assert [answer] == decoded(client[1])


def test_a_delisted_market_refuses_a_subscribe_and_that_is_a_fault(
    world: World, client: Client
) -> None:
    world.market("ETH-EUR").is_delisted = True
    answer = ask(world, client, subscribe(("book", ["BTC-EUR", "ETH-EUR"])))
    assert "market parameter ETH-EUR is invalid." == answer["error"]
    assert [("bad_symbol", "ETH-EUR")] == [
        (line["fault"], line["symbol"]) for line in world.lines("fault")
    ]


def test_the_day_and_candles_are_sent_to_who_wants_them(world: World, client: Client) -> None:
    message = subscribe(("ticker24h", ["BTC-EUR"]))
    channels: Any = message["channels"]
    channels.append({"name": "candles", "interval": ["1m"], "markets": ["BTC-EUR"]})
    answer = ask(world, client, message)
    assert {"ticker24h": ["BTC-EUR"], "candles": {"1m": ["BTC-EUR"]}} == answer["subscriptions"]
    world.run(20)
    days = [m for m in decoded(client[1]) if m.get("event") == "ticker24h"]
    candles = [m for m in decoded(client[1]) if m.get("event") == "candle"]
    assert 18 <= len(days) <= 21
    assert {"BTC-EUR"} == {m["data"][0]["market"] for m in days}
    assert shape([0, "", "", "", "", ""]) == shape(candles[0]["candle"][0])
    assert len(candles[0]["candle"][0]) == 6


def test_points_are_shared_by_rest_and_websocket_and_end_in_a_ban(
    world: World, client: Client
) -> None:
    for _ in range(40):
        assert 200 == world.exchange.request("/v2/ticker/24h").status
    answer = ask(world, client, {"action": "getTime", "requestId": 1})
    ban_ms = (world.time.ns() - 1_000_000_000) // 1_000_000 + 900_000
    assert ("getTime", 1, 105) == (answer["action"], answer["requestId"], answer["errorCode"])
    assert answer["error"].endswith(f"The ban expires at {ban_ms}.")
    refused = world.exchange.request("/v2/time")
    assert 429 == refused.status
    assert 105 == json.loads(refused.body)["errorCode"]
    assert "0" == refused.headers["bitvavo-ratelimit-remaining"]
    world.time.pass_time(900)
    assert 200 == world.exchange.request("/v2/time").status


def test_a_subscribe_costs_one_point_whatever_it_names(world: World, client: Client) -> None:
    ask(world, client, subscribe(("book", ["BTC-EUR", "ETH-EUR"]), ("ticker", ["BTC-EUR"])))
    answer = world.exchange.request("/v2/time")
    assert "998" == answer.headers["bitvavo-ratelimit-remaining"]


def test_rest_says_what_is_left_of_the_minute(world: World) -> None:
    answer = world.exchange.request("/v2/BTC-EUR/trades")
    assert ("1000", "995") == (
        answer.headers["bitvavo-ratelimit-limit"],
        answer.headers["bitvavo-ratelimit-remaining"],
    )
    reset_ms = int(answer.headers["bitvavo-ratelimit-resetat"])
    assert 0 == reset_ms % 60_000
    assert 0 < reset_ms - world.time.ns() // 1_000_000 <= 60_000
    assert {} == world.exchange.request("/v2/nonsense").headers


def test_too_many_messages_a_second_are_refused(world: World, client: Client) -> None:
    for _ in range(5_000):
        world.say(client[0], {"action": "nonsense"})
    world.say(client[0], {"action": "nonsense"})
    codes = [message["errorCode"] for message in decoded(client[1])]
    assert [415] * 5_000 + [112] == codes


def test_private_actions_need_a_login(world: World, client: Client) -> None:
    assert 300 == ask(world, client, {"action": "privateGetBalance"})["errorCode"]
    assert 415 == ask(world, client, {"no": "action"})["errorCode"]


def test_only_its_own_path_is_let_in(world: World) -> None:
    assert world.exchange.handshake("/v2/") is None
    assert world.exchange.handshake("/v2") is None
    refusal = world.exchange.handshake("/other")
    assert refusal is not None
    assert 404 == refusal.status


def test_a_client_that_is_gone_is_forgotten(world: World, client: Client) -> None:
    connection, socket = client
    ask(world, client, subscribe(("book", ["BTC-EUR"]), ("trades", ["BTC-EUR"])))
    world.say(connection, {"action": "getBook", "market": "BTC-EUR"})
    socket.is_open = False
    world.simulation.closed(connection)
    socket.messages.clear()
    world.run(2)
    assert [] == socket.messages
    assert {} == connection.chains
