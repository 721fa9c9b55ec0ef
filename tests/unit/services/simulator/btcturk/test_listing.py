from services.simulator.btcturk.listing import SYMBOLS_MAX, list_markets


def test_the_default_symbols_come_first() -> None:
    pairs = list_markets(3, levels=10)
    assert ["BTCTRY", "ETHTRY", "USDTTRY"] == [one.raw_symbol for one in pairs]


def test_every_pair_has_a_name_of_its_own() -> None:
    pairs = list_markets(SYMBOLS_MAX, levels=10)
    assert 379 == len({one.raw_symbol for one in pairs})
    assert 190 == sum(one.quote == "TRY" for one in pairs)


def test_bitcoin_is_quoted_as_on_the_wire() -> None:
    market = list_markets(1, levels=160)[0]
    assert 0 == market.price_decimals
    assert market.price > 1_000_000
