import pytest

from services.simulator import listing


def test_the_default_symbols_come_first() -> None:
    bitvavo = [one.symbol for one in listing.bitvavo(3, levels=10)]
    btcturk = [one.raw_symbol for one in listing.btcturk(3, levels=10)]
    assert ["BTC-EUR", "ETH-EUR", "USDT-EUR"] == bitvavo
    assert ["BTCTRY", "ETHTRY", "USDTTRY"] == btcturk


def test_every_market_of_an_exchange_has_a_name_of_its_own() -> None:
    bitvavo = listing.bitvavo(listing.BITVAVO_SYMBOLS_MAX, levels=10)
    btcturk = listing.btcturk(listing.BTCTURK_SYMBOLS_MAX, levels=10)
    assert 437 == len({one.raw_symbol for one in bitvavo})
    assert 379 == len({one.raw_symbol for one in btcturk})
    assert 11 == sum(one.quote == "USDC" for one in bitvavo)
    assert 190 == sum(one.quote == "TRY" for one in btcturk)


def test_few_markets_are_busy_and_many_are_quiet() -> None:
    rates = [one.messages_per_s for one in listing.bitvavo(437, levels=10)]
    assert 998 == pytest.approx(sum(rates), rel=0.01)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < rates[0] / 50


def test_bitcoin_is_quoted_as_on_the_wire() -> None:
    euro = listing.bitvavo(1, levels=500)[0]
    assert (75500, 100, 2, 8) == (
        euro.price_ticks,
        euro.tick_units,
        euro.price_decimals,
        euro.size_decimals,
    )
    lira = listing.btcturk(1, levels=160)[0]
    assert 0 == lira.price_decimals
    assert lira.price > 1_000_000


def test_quiet_books_are_thinner() -> None:
    depths = [one.levels for one in listing.bitvavo(437, levels=500)]
    assert 500 == depths[0]
    assert listing.LEVELS_MIN <= depths[-1] < 100
