from shared.feed.names import Names
from tests.support.toys import make_exchange, market


def test_a_rule_makes_the_names_whatever_is_listed() -> None:
    names = Names(make_exchange())
    assert names.is_known
    names.learn([market("BTC-EUR")])
    assert "BTCEUR" == names.raw_symbol("BTC-EUR")


def test_a_list_names_what_no_rule_could() -> None:
    names = Names(make_exchange(names="list", raw_symbol=lambda symbol: f"no {symbol}"))
    was_known = names.is_known
    assert "no BTC-EUR" == names.raw_symbol("BTC-EUR")
    names.learn([market("BTC-EUR")])
    assert (False, True) == (was_known, names.is_known)
    assert "BTCEUR" == names.raw_symbol("BTC-EUR")
    assert "no ETH-EUR" == names.raw_symbol("ETH-EUR")
    assert {"BTCEUR": "BTC-EUR", "no ETH-EUR": "ETH-EUR"} == names.raw_symbols(
        ["BTC-EUR", "ETH-EUR"]
    )


def test_a_list_that_says_the_same_is_no_news() -> None:
    names = Names(make_exchange(names="list"))
    names.learn([market("BTC-EUR")])
    listed = names.listed
    names.learn([market("BTC-EUR")])
    assert listed is names.listed
    names.learn([market("BTC-EUR"), market("ETH-EUR")])
    assert listed is not names.listed
