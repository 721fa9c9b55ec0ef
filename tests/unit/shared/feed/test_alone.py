"""What is subscribed to symbol by symbol, where all at once bring nothing."""

import pytest

from shared.exchange import OneByOne
from shared.feed.alone import WHOLE_RETRY_S, Alone
from tests.support.toys import make_exchange

ONE_BY_ONE = OneByOne(
    subscribe=lambda channel, raw: [f"join {channel} {raw}"],
    unsubscribe=lambda channel, raw: [f"leave {channel} {raw}"],
    renew=lambda channel: [f"leave {channel} all", f"join {channel} all"],
)


@pytest.fixture
def alone() -> Alone:
    return Alone(make_exchange(whole_channels=("ticker",), alone=ONE_BY_ONE))


def test_only_channels_that_come_whole_and_can_be_asked_for_alone_are_its_matter() -> None:
    whole = make_exchange(whole_channels=("ticker",))
    assert not Alone(whole).is_possible("ticker")
    assert not Alone(make_exchange(alone=ONE_BY_ONE)).is_possible("ticker")
    both = Alone(make_exchange(whole_channels=("ticker",), alone=ONE_BY_ONE))
    assert [True, False] == [both.is_possible(channel) for channel in ("ticker", "book")]


def test_a_symbol_is_joined_and_where_it_was_joined_left_before(alone: Alone) -> None:
    assert ["join ticker A"] == alone.join("ticker", "A", 0.0)
    assert ["leave ticker A", "join ticker A"] == alone.join("ticker", "A", 1.0)


def test_what_is_left_is_left_once(alone: Alone) -> None:
    alone.join("ticker", "A", 0.0)
    assert ["leave ticker A"] == alone.leave("ticker", "A")
    assert [] == alone.leave("ticker", "A")


def test_what_comes_with_all_is_left_alone_no_longer_subscribed(alone: Alone) -> None:
    alone.note_whole("ticker", "A")
    for raw_symbol in "AB":
        alone.join("ticker", raw_symbol, 0.0)
    alone.note_whole("ticker", "A")
    alone.note_whole("ticker", "A")
    assert ["leave ticker A"] == alone.due(1.0)
    assert [] == alone.due(2.0)


def test_all_are_tried_again_now_and_then_as_long_as_any_is_alone(alone: Alone) -> None:
    alone.join("ticker", "A", 10.0)
    alone.join("ticker", "B", 500.0)
    again = ["leave ticker all", "join ticker all"]
    assert [] == alone.due(9.0 + WHOLE_RETRY_S)
    assert again == alone.due(10.0 + WHOLE_RETRY_S)
    assert [] == alone.due(11.0 + WHOLE_RETRY_S)
    assert again == alone.due(10.0 + 2 * WHOLE_RETRY_S)
    for raw_symbol in "AB":
        alone.leave("ticker", raw_symbol)
    assert [] == alone.due(10.0 + 9 * WHOLE_RETRY_S)


def test_a_lost_connection_leaves_nothing(alone: Alone) -> None:
    alone.join("ticker", "A", 0.0)
    alone.note_whole("ticker", "A")
    alone.clear()
    assert [] == alone.due(10 * WHOLE_RETRY_S)
    assert [] == alone.leave("ticker", "A")
