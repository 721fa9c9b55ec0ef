import pytest

from services.simulator.bitvavo.listing import SYMBOLS_MAX, list_markets


def test_the_default_symbols_come_first() -> None:
    markets = list_markets(3, levels=10)
    assert ["BTC-EUR", "ETH-EUR", "USDT-EUR"] == [one.symbol for one in markets]


def test_every_market_has_a_name_of_its_own() -> None:
    markets = list_markets(SYMBOLS_MAX, levels=10)
    assert 437 == len({one.raw_symbol for one in markets})
    assert 11 == sum(one.quote == "USDC" for one in markets)


def test_few_markets_are_busy_and_many_are_quiet() -> None:
    rates = [one.messages_per_s for one in list_markets(437, levels=10)]
    assert 998 == pytest.approx(sum(rates), rel=0.01)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < rates[0] / 50


def test_bitcoin_is_quoted_as_on_the_wire() -> None:
    market = list_markets(1, levels=500)[0]
    assert (75500, 100) == (market.price_ticks, market.tick_units)
    assert (2, 8) == (market.price_decimals, market.size_decimals)
