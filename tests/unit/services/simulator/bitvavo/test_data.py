from typing import Any

import pytest

from services.simulator.bitvavo.data import BitvavoData, Refusal, banned, trade_id
from services.simulator.bitvavo.listing import list_markets as bitvavo_markets
from services.simulator.market import SimulatedMarket
from services.simulator.switches import Switches
from tests.unit.services.simulator.fakes import TS_START, FakeClock

MARKETS = [SimulatedMarket(one, seed=1, ts=TS_START) for one in bitvavo_markets(3, levels=1_200)]
DATA = BitvavoData(MARKETS, Switches(), nonce_of=lambda _: 77, clock=FakeClock().clock)


def answer(action: str, **parameters: object) -> Any:
    return DATA.answer_action(action, parameters)


def refusal(action: str, **parameters: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        DATA.answer_action(action, parameters)
    return caught.value


def test_time_is_told_twice() -> None:
    assert {"time": TS_START // 1_000_000, "timeNs": TS_START} == answer("getTime")


def test_a_book_is_cut_at_a_thousand_levels() -> None:
    book = answer("getBook", market="BTC-EUR")
    assert len(MARKETS[0].bids(10_000)) > 1_000
    assert (1_000, 1_000, 77) == (len(book["bids"]), len(book["asks"]), book["nonce"])
    assert 3 == len(answer("getBook", market="BTC-EUR", depth="3")["asks"])


@pytest.mark.parametrize("depth", [0, 1001, -1, "x", None, 1.5])
def test_a_wrong_depth_is_refused(depth: object) -> None:
    assert (205, "BTC-EUR") == (
        refusal("getBook", market="BTC-EUR", depth=depth).code,
        refusal("getBook", market="BTC-EUR", depth=depth).market,
    )


def test_a_market_must_be_named_and_listed() -> None:
    assert 203 == refusal("getBook").code
    assert "market parameter btc-eur is invalid." == refusal("getBook", market="btc-eur").error
    assert "market parameter is invalid." == refusal("getBook", market=5).error.replace(" 5", "")


def test_trades_are_newest_first_and_count_up() -> None:
    trades = answer("getTrades", market="BTC-EUR", limit=10)
    counters = [int(trade["id"].rsplit("-", 1)[1], 16) for trade in trades]
    assert counters == list(range(counters[0], counters[0] - 10, -1))
    assert trades[0]["id"].startswith("00000000-0000-0431-0000-")
    assert trades[0]["timestamp"] > trades[-1]["timestamp"]


def test_trades_can_be_asked_for_by_id_and_time() -> None:
    market = MARKETS[0]
    first, last = list(market.trades)[10], list(market.trades)[14]
    named = answer(
        "getTrades",
        market="BTC-EUR",
        tradeIdFrom=trade_id(market, first),
        tradeIdTo=trade_id(market, last),
    )
    assert [trade_id(market, last), 5] == [named[0]["id"], len(named)]
    timed = answer(
        "getTrades", market="BTC-EUR", start=first.ts // 1_000_000, end=str(last.ts // 1_000_000)
    )
    assert named == timed


def test_candles_cover_every_trade_newest_first() -> None:
    candles = answer("getCandles", market="BTC-EUR", interval="1m")
    volume = sum(float(candle[5]) for candle in candles)
    traded = sum(trade.size for trade in MARKETS[0].trades) / 10**8
    assert traded == pytest.approx(volume)
    starts = [candle[0] for candle in candles]
    assert starts == sorted(starts, reverse=True)
    assert 1 == len(answer("getCandles", market="BTC-EUR", interval="1m", limit=1))
    assert 205 == refusal("getCandles", market="BTC-EUR", interval="7m").code


@pytest.mark.parametrize(
    "action", ["getMarkets", "getTickerPrice", "getTickerBook", "getTicker24h"]
)
def test_one_market_is_an_object_and_all_are_a_list(action: str) -> None:
    every = answer(action)
    assert 3 == len(every)
    assert every[0] == answer(action, market="BTC-EUR")


def test_assets_can_be_asked_for_by_name() -> None:
    assert ["BTC", "EUR", "ETH", "USDT"] == [row["symbol"] for row in answer("getAssets")]
    assert "ETH" == answer("getAssets", symbol="ETH")["symbol"]
    assert 205 == refusal("getAssets", symbol="NOPE").code


def test_a_halted_market_is_listed_and_its_book_refused() -> None:
    market = SimulatedMarket(MARKETS[0].listing, seed=1, ts=TS_START)
    data = BitvavoData([market], Switches(), nonce_of=lambda _: 1, clock=FakeClock().clock)
    market.is_halted = True
    rows: Any = data.answer_action("getMarkets", {})
    assert "halted" == rows[0]["status"]
    with pytest.raises(Refusal) as caught:
        data.answer_action("getBook", {"market": "BTC-EUR"})
    assert 431 == caught.value.code


def test_a_delisted_market_is_gone() -> None:
    market = SimulatedMarket(MARKETS[0].listing, seed=1, ts=TS_START)
    data = BitvavoData([market], Switches(), nonce_of=lambda _: 1, clock=FakeClock().clock)
    market.is_delisted = True
    assert [] == data.answer_action("getMarkets", {})
    with pytest.raises(Refusal):
        data.find("BTC-EUR")


def test_every_action_has_its_price() -> None:
    assert 1 == DATA.points("getBook", {})
    assert 5 == DATA.points("getTrades", {})
    assert 25 == DATA.points("getTicker24h", {})
    assert 1 == DATA.points("getTicker24h", {"market": "BTC-EUR"})
    assert DATA.points("nonsense", {}) is None


def test_a_ban_tells_when_it_ends() -> None:
    assert banned(1_548_261_105_000_000_000).error.endswith("expires at 1548261105000.")
