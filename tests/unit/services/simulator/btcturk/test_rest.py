import json
from decimal import Decimal
from typing import Any

import pytest

from services.simulator.btcturk.listing import list_markets as btcturk_markets
from services.simulator.btcturk.rest import BtcturkRest
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import Answer
from services.simulator.switches import Switches
from tests.support.paths import RECORDINGS
from tests.unit.services.simulator.fakes import TS_START, FakeClock, shape

MARKETS = [SimulatedMarket(one, seed=1, ts=TS_START) for one in btcturk_markets(5, levels=160)]


def recorded(name: str) -> Any:
    return json.loads((RECORDINGS / "btcturk" / name).read_text().splitlines()[0])


def recorded_whole(name: str) -> Any:
    return json.loads((RECORDINGS / "btcturk" / name).read_text())


@pytest.fixture
def time() -> FakeClock:
    return FakeClock()


@pytest.fixture
def rest(time: FakeClock) -> BtcturkRest:
    return BtcturkRest(MARKETS, Switches(), clock=time.clock, is_limited=True)


def body(answer: Answer) -> Any:
    return json.loads(answer.body)


def test_a_book_has_the_recorded_shape_and_a_code_of_text(rest: BtcturkRest) -> None:
    answer = body(rest.request("/api/v2/orderbook?pairSymbol=BTCTRY"))
    assert shape(recorded_whole("rest_book_BTCTRY_2026-08-23_first3.json")) == shape(answer)
    assert "SUCCESS" == answer["code"]
    assert all(len(amount.split(".")[1]) in (8, 12) for _, amount in answer["data"]["bids"])


@pytest.mark.parametrize("limit", ["100", "500", "1000"])
def test_a_book_has_a_hundred_levels_at_most(rest: BtcturkRest, limit: str) -> None:
    answer = body(rest.request(f"/api/v2/orderbook?pairSymbol=BTCTRY&limit={limit}"))
    assert (100, 100) == (len(answer["data"]["bids"]), len(answer["data"]["asks"]))
    few = body(rest.request("/api/v2/orderbook?pairSymbol=BTCTRY&limit=3"))
    assert answer["data"]["bids"][:3] == few["data"]["bids"]


@pytest.mark.parametrize("name", ["BTCTRY", "btctry", "BTC_TRY"])
def test_a_pair_may_be_written_in_several_ways(rest: BtcturkRest, name: str) -> None:
    assert 200 == rest.request(f"/api/v2/orderbook?pairSymbol={name}").status


def test_recorded_errors_are_made(rest: BtcturkRest) -> None:
    text = (RECORDINGS / "btcturk" / "rest_errors.jsonl").read_text()
    unknown, invalid, empty = [json.loads(line) for line in text.splitlines()[:3]]
    answer = rest.request("/api/v2/orderbook?pairSymbol=NOPEUSDT")
    assert (400, unknown) == (answer.status, body(answer))
    for path in ("orderbook", "orderbook?pairSymbol=BTCTRY&limit=x", "trades"):
        answer = rest.request(f"/api/v2/{path}")
        assert (400, invalid) == (answer.status, body(answer))
    assert unknown == body(rest.request("/api/v2/trades?pairSymbol=NOPEUSDT"))
    assert empty == body(rest.request("/api/v2/ticker?pairSymbol=NOPEUSDT"))
    assert (404, b"") == (rest.request("/api/v2/nope").status, rest.request("/nope").body)


def test_trades_have_the_recorded_shape(rest: BtcturkRest) -> None:
    answer = body(rest.request("/api/v2/trades?pairSymbol=BTCTRY"))
    assert shape(recorded_whole("rest_trades_BTCTRY_2021.json")) == shape(answer)
    assert 50 == len(answer["data"])
    identities = [int(row["tid"]) for row in answer["data"]]
    assert identities == sorted(identities, reverse=True)
    assert 4 == len(body(rest.request("/api/v2/trades?pairSymbol=BTCTRY&last=4"))["data"])


def test_tickers_have_the_recorded_shape_in_numbers(rest: BtcturkRest) -> None:
    answer = body(rest.request("/api/v2/ticker?pairSymbol=BTCTRY"))
    sample = recorded("rest_ticker_BTCUSDT.jsonl")
    assert shape(sample) == shape(answer)
    assert 5 == len(body(rest.request("/api/v2/ticker"))["data"])
    market = MARKETS[0]
    assert market.best_bid[0] == answer["data"][0]["bid"]


def test_pairs_have_the_recorded_shape(rest: BtcturkRest) -> None:
    answer = body(rest.request("/api/v2/server/exchangeinfo"))
    sample = recorded_whole("rest_markets_2026-08-23_3pairs.json")
    assert list(sample["data"]) == list(answer["data"])
    assert shape(sample["data"]["symbols"]) == shape(answer["data"]["symbols"])
    currency = [[key for key, _ in shaped] for shaped in map(rows, (sample, answer))]
    assert currency[0] == currency[1]
    pairs = [
        (row["name"], row["numerator"], row["denominator"]) for row in answer["data"]["symbols"]
    ]
    assert ("BTCTRY", "BTC", "TRY") == pairs[0]
    assert 5 == len(pairs)


def rows(answer: Any) -> Any:
    return shape(answer["data"]["currencies"][0])


def test_the_tick_is_a_step_for_the_eye(rest: BtcturkRest) -> None:
    answer = body(rest.request("/api/v2/server/exchangeinfo"))
    assert "10" == answer["data"]["symbols"][0]["filters"][0]["tickSize"]
    prices = [price for price, _ in MARKETS[0].bids(50)]
    assert any(price % 10 for price in prices)


def test_a_halted_pair_says_so(rest: BtcturkRest) -> None:
    MARKETS[1].is_halted = True
    statuses = [
        row["status"]
        for row in body(rest.request("/api/v2/server/exchangeinfo"))["data"]["symbols"]
    ]
    MARKETS[1].is_halted = False
    assert ["TRADING", "HALTED", "TRADING", "TRADING", "TRADING"] == statuses


def test_time_has_the_recorded_shape(rest: BtcturkRest) -> None:
    answer = body(rest.request("/api/v2/server/time"))
    sample = recorded("rest_server_time_2026-09-23.json")
    assert shape(sample) == shape(answer)
    assert len(sample["serverTime2"]) == len(answer["serverTime2"])
    assert {"pong": True} == body(rest.request("/api/v2/server/ping"))


def test_who_asks_too_often_waits_a_minute(rest: BtcturkRest, time: FakeClock) -> None:
    path = "/api/v2/orderbook?pairSymbol=BTCTRY"
    assert {200} == {rest.request(path).status for _ in range(180)}
    refused = rest.request(path)
    assert (429, "60") == (refused.status, refused.headers["Retry-After"])
    text = (RECORDINGS / "btcturk" / "rest_errors.jsonl").read_text()
    sample = next(json.loads(line) for line in text.splitlines() if "TOO_MANY" in line)
    assert shape(sample) == shape(body(refused))
    assert 200 == rest.request("/api/v2/ticker").status  # a budget of its own
    time.pass_time(60)
    assert 200 == rest.request(path).status


def test_no_limits_where_none_were_asked_for(time: FakeClock) -> None:
    rest = BtcturkRest(MARKETS, Switches(), clock=time.clock, is_limited=False)
    path = "/api/v2/orderbook?pairSymbol=BTCTRY&limit=1"
    assert {200} == {rest.request(path).status for _ in range(200)}


def test_amounts_equal_those_of_the_websocket_as_numbers(rest: BtcturkRest) -> None:
    answer = body(rest.request("/api/v2/orderbook?pairSymbol=BTCTRY"))
    expected = [Decimal(MARKETS[0].size_text(size)) for _, size in MARKETS[0].bids(100)]
    assert expected == [Decimal(amount) for _, amount in answer["data"]["bids"]]
