"""What an exchange may leave undeclared."""

from shared.exchange import BOOK, TICKER, TRADES, Call, Cost
from tests.support.toys import make_exchange


def test_an_exchange_has_every_channel_unless_it_says_otherwise() -> None:
    exchange = make_exchange()
    assert (BOOK, TRADES, TICKER) == exchange.channels
    assert () == exchange.whole_channels


def test_a_call_without_a_cost_is_free_and_a_cost_is_one_point() -> None:
    assert Call(path=lambda: "/").cost is None
    assert 1 == Cost("points").points
