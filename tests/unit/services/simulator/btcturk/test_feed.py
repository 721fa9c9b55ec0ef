import json
import random
from typing import Any

import pytest

from services.simulator.book_side import BID, Execution, Step
from services.simulator.btcturk.feed import WINDOW_LEVELS, BtcturkFeed, trade_id
from services.simulator.btcturk.listing import list_markets as btcturk_markets
from services.simulator.connection import ClientConnection
from services.simulator.market import SimulatedMarket
from services.simulator.truth import Truth
from tests.unit.services.simulator.fakes import TS_START, FakeSocket

LISTING = btcturk_markets(1, levels=160)[0]
Levels = dict[str, str]


class Wire:
    def __init__(self) -> None:
        self.market = SimulatedMarket(LISTING, seed=1, ts=TS_START)
        self.feed = BtcturkFeed(self.market, random.Random(3))
        self.socket = FakeSocket()
        self.connection = ClientConnection(1, self.socket, truth=Truth(None, clock_ns=lambda: 0))

    def frames(self, kind: int) -> list[Any]:
        pairs = [json.loads(message) for message in self.socket.messages]
        return [body for number, body in pairs if number == kind]


@pytest.fixture
def wire() -> Wire:
    return Wire()


def follow(book: Levels, changes: list[dict[str, Any]]) -> None:
    """Apply changes as the manual says, and hold the exchange to it."""
    for change in changes:
        price, amount = change["P"], change["A"]
        assert amount != "0"
        match change["CP"]:
            case 0:
                assert book[price] != amount
                book[price] = amount
            case 1:
                assert price not in book
                book[price] = amount
            case kind:
                assert 3 == kind
                assert amount == book.pop(price)


def test_the_changes_alone_keep_the_window(wire: Wire) -> None:
    wire.feed.join_obdiff(wire.connection)
    snapshot = wire.frames(431)[0]
    asks = {level["P"]: level["A"] for level in snapshot["AO"]}
    bids = {level["P"]: level["A"] for level in snapshot["BO"]}
    for _ in range(2_000):
        wire.feed.publish(wire.market.step(TS_START))
    for frame in wire.frames(432):
        follow(asks, frame["AO"])
        follow(bids, frame["BO"])
        assert (WINDOW_LEVELS, WINDOW_LEVELS) == (len(asks), len(bids))
    text = wire.market.price_text
    assert {text(price) for price, _ in wire.market.bids(WINDOW_LEVELS)} == set(bids)
    assert {text(price) for price, _ in wire.market.asks(WINDOW_LEVELS)} == set(asks)


def test_levels_are_sorted_best_first(wire: Wire) -> None:
    wire.feed.join_obdiff(wire.connection)
    for _ in range(200):
        wire.feed.publish(wire.market.step(TS_START))
    for frame in wire.frames(431) + wire.frames(432):
        asks = [int(level["P"]) for level in frame["AO"]]
        bids = [int(level["P"]) for level in frame["BO"]]
        assert asks == sorted(asks)
        assert bids == sorted(bids, reverse=True)


def test_a_level_pushed_out_is_deleted_with_its_amount_and_comes_back_as_new(wire: Wire) -> None:
    side = wire.market.sides[BID]
    edge, size = wire.market.bids(WINDOW_LEVELS)[-1]
    inside = next(price for price in range(edge + 1, edge + 10_000) if price not in side.sizes)
    wire.feed.join_obdiff(wire.connection)
    side.put(inside, 5 * 10**11)
    wire.feed.publish(Step({}, {}))
    side.put(inside, 0)
    wire.feed.publish(Step({}, {}))
    amount = wire.market.size_text(size)
    assert [
        [{"CP": 1, "P": str(inside), "A": "0.5"}, {"CP": 3, "P": str(edge), "A": amount}],
        [{"CP": 3, "P": str(inside), "A": "0.5"}, {"CP": 1, "P": str(edge), "A": amount}],
    ] == [frame["BO"] for frame in wire.frames(432)]


def test_a_change_beyond_the_window_is_not_told_nor_counted(wire: Wire) -> None:
    wire.feed.join_obdiff(wire.connection)
    start = wire.frames(431)[0]["CS"]
    side = wire.market.sides[BID]
    side.put(side.prices[0], 7)
    wire.feed.publish(Step({}, {}))
    side.put(side.prices[-1], 7)
    wire.feed.publish(Step({}, {}))
    assert [start + 1] == [frame["CS"] for frame in wire.frames(432)]


def test_the_whole_book_comes_with_each_change(wire: Wire) -> None:
    wire.feed.join_orderbook(wire.connection)
    wire.feed.publish(wire.market.step(TS_START))
    first, second = wire.frames(431)
    assert first["CS"] + 1 == second["CS"]
    assert ("orderbook", 100) == (second["channel"], len(second["AO"]))
    wire.feed.leave(wire.connection, "orderbook")
    wire.feed.publish(wire.market.step(TS_START))
    assert 2 == len(wire.frames(431))


def test_a_trade_is_written_as_the_exchange_writes_it(wire: Wire) -> None:
    trade = Execution(5, 1_651_204_593_830_000_000, 586_950, 877_770_000, is_buy=True)
    assert "100163840000000005" == trade_id(wire.market, trade)
    assert (
        '[422,{"D":"1651204593830","I":"100163840000000005","A":"0.0008777700",'
        '"P":"586950.0000000000","PS":"BTCTRY","S":1,"channel":"trade","event":"BTCTRY",'
        '"type":422}]'
    ) == wire.feed.trade_frame(trade)
    longer = Execution(6, 0, 586_950, 877_770_001, is_buy=False)
    assert '"A":"0.000877770001"' in wire.feed.trade_frame(longer)
    assert '"S":0' in wire.feed.trade_frame(longer)


def test_the_ticker_tells_of_the_touch_and_the_day(wire: Wire) -> None:
    fields = json.loads(f"{{{wire.feed.ticker_fields()}}}")
    bid, ask = wire.market.best_bid, wire.market.best_ask
    assert (str(bid[0]), str(ask[0])) == (fields["B"], fields["A"])
    assert ("BTC", "TRY", 1) == (fields["NS"], fields["DS"], fields["PId"])
    last, first = wire.market.trades[-1].price, wire.market.open
    assert (str(last), str(last - first)) == (fields["LA"], fields["D"])
    assert f"{100 * (last - first) / first:.2f}" == fields["DP"]
    for _ in range(10):
        wire.market.step(TS_START)
    assert fields == json.loads(f"{{{wire.feed.ticker_fields()}}}")
    wire.feed.publish(Step({}, {}))
    assert fields != json.loads(f"{{{wire.feed.ticker_fields()}}}")


def test_who_leaves_gets_nothing_more(wire: Wire) -> None:
    wire.feed.join_obdiff(wire.connection)
    wire.feed.trade[wire.connection] = wire.feed.ticker[wire.connection] = None
    for channel in ("obdiff", "trade", "ticker", "nonsense"):
        wire.feed.leave(wire.connection, channel)
    wire.socket.messages.clear()
    for _ in range(200):
        wire.feed.publish(wire.market.step(TS_START))
        wire.feed.send_ticker()
    assert [] == wire.socket.messages
    assert {} == wire.connection.chains


def test_numbers_may_be_negative() -> None:
    starts: list[int] = []
    for _ in range(50):
        wire = Wire()
        wire.feed.rng = random.Random(len(starts))
        wire.feed.join_obdiff(wire.connection)
        starts.append(wire.frames(431)[0]["CS"])
    assert 0 < sum(start < 0 for start in starts) < 25
