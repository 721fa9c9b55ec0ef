import json
import random
from typing import Any

import pytest

from services.simulator.bitvavo.feed import BitvavoFeed, send_json
from services.simulator.bitvavo.listing import list_markets as bitvavo_markets
from services.simulator.book_side import Execution, Step
from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.market import SimulatedMarket
from services.simulator.truth import Truth
from tests.unit.services.simulator.fakes import TS_START, FakeSocket

LISTING = bitvavo_markets(1, levels=20)[0]
STEP = Step({75_400: 0, 75_516: 58_294}, {}, [])


class Wire:
    def __init__(self) -> None:
        self.socket = FakeSocket()
        truth = Truth(None, clock_ns=lambda: 0)
        self.connection = ClientConnection(1, self.socket, truth=truth)
        self.market = SimulatedMarket(LISTING, seed=1, ts=TS_START)
        rng = random.Random(3)
        self.feed = BitvavoFeed(self.market, nonce=100, rng=rng, clock_ns=lambda: TS_START)
        self.chain = ClientChain(LISTING)
        self.feed.book[self.connection] = self.chain

    def messages(self) -> list[Any]:
        return [json.loads(message) for message in self.socket.messages]


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_a_change_is_written_as_the_exchange_writes_it(wire: Wire) -> None:
    wire.feed.publish(STEP)
    message = str(wire.socket.messages[0])
    assert message.startswith(
        '{"event":"book","market":"BTC-EUR","nonce":101,'
        '"bids":[["75400.00","0"],["75516.00","0.00058294"]],"asks":[],"timestamp":'
    )
    assert TS_START - 75_000_000 >= wire.messages()[0]["timestamp"]


def test_now_and_then_an_event_comes_again_under_the_next_nonce(wire: Wire) -> None:
    for _ in range(1_000):
        wire.feed.publish(STEP)
    nonces = [message["nonce"] for message in wire.messages()]
    assert nonces == list(range(101, 101 + len(nonces)))
    assert 1_002 < len(nonces) < 1_030


def test_the_nonce_counts_on_while_nobody_listens(wire: Wire) -> None:
    del wire.feed.book[wire.connection]
    wire.feed.publish(STEP)
    assert wire.feed.nonce >= 101
    assert [] == wire.socket.messages


def test_a_trade_is_written_as_the_exchange_writes_it(wire: Wire) -> None:
    wire.feed.listeners["trades"] = {wire.connection: None}
    trade = Execution(0x36275C9, 1_785_792_508_187_000_000, 55_316, 45_068, is_buy=True)
    wire.feed.publish(Step({75_400: 0}, {}, [trade]))
    expected = (
        '{"event":"trade","id":"00000000-0000-0431-0000-0000036275c9","amount":"0.00045068",'
        '"price":"55316","timestamp":1785792508187,"market":"BTC-EUR","side":"buy"}'
    )
    assert expected == wire.socket.messages[0]


def test_ticker_frames_are_partial_and_merge_to_the_touch(wire: Wire) -> None:
    del wire.feed.book[wire.connection]
    wire.feed.listeners["ticker"] = {wire.connection: None}
    for _ in range(500):
        wire.feed.publish(wire.market.step(TS_START))
    merged: dict[str, str] = {}
    complete = 0
    for message in wire.messages():
        complete += "bestBid" in message and "bestAsk" in message
        merged.update(message)
    bid, ask = wire.market.best_bid, wire.market.best_ask
    assert wire.market.price_text(bid[0]) == merged["bestBid"]
    assert wire.market.size_text(bid[1]) == merged["bestBidSize"]
    assert wire.market.price_text(ask[0]) == merged["bestAsk"]
    assert wire.market.price_text(wire.market.trades[-1].price) == merged["lastPrice"]
    assert complete < len(wire.socket.messages) / 20


def test_a_book_given_to_a_listener_counts_for_it_alone(wire: Wire) -> None:
    other = ClientConnection(2, FakeSocket(), truth=Truth(None, clock_ns=lambda: 0))
    wire.feed.book[other] = ClientChain(LISTING)
    wire.feed.give_snapshot(wire.connection)
    assert [True, False] == [chain.has_snapshot for chain in wire.feed.book.values()]


def test_a_book_given_over_rest_counts_for_who_has_none(wire: Wire) -> None:
    wire.chain.rebase(5)
    other = ClientConnection(2, FakeSocket(), truth=Truth(None, clock_ns=lambda: 0))
    wire.feed.book[other] = ClientChain(LISTING)
    wire.feed.give_snapshot(None)
    assert [5, 100] == [chain.sequence for chain in wire.feed.book.values()]


def test_a_reset_begins_at_one_and_breaks_live_chains(wire: Wire) -> None:
    wire.feed.give_snapshot(wire.connection)
    wire.feed.is_reset = True
    wire.feed.publish(STEP)
    assert 1 == wire.messages()[0]["nonce"]
    assert wire.chain.is_broken


def test_json_is_sent_as_text(wire: Wire) -> None:
    assert send_json(wire.connection, {"a": 1})
    assert ['{"a":1}'] == wire.socket.messages
