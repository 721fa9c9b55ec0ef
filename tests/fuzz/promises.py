"""What every parser promises of all that it lets through."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from shared.errors import MalformedMessage
from shared.event import (
    Chatter,
    Delta,
    Refused,
    Snapshot,
    Subscribed,
    Throttled,
    Ticker,
    Trade,
    TradeList,
)
from shared.form import NUMBER_MAX

INT64: Final = range(-(2**63), 2**63)
EVENTS: Final = (
    Delta | Snapshot | Trade | TradeList | Ticker | Subscribed | Refused | Throttled | Chatter
)
TRADE_ID: Final = re.compile(r"[!-~]{1,64}")


def check(parse: Callable[[bytes], Any], raw: bytes) -> None:
    """Assert that the parser refuses by its one error, or returns what can be recorded."""
    refusal = None
    messages: Any = []
    try:
        messages = parse(raw)
    except MalformedMessage as error:
        refusal = error
    assert refusal is None or max(len(refusal.reason), len(refusal.excerpt)) <= 200
    assert isinstance(messages, list)
    for message in messages:
        assert isinstance(message, EVENTS)
        check_message(message)
        msgspec.msgpack.encode(message)  # every text can be written


def check_levels(book: Snapshot | Delta) -> None:
    """Assert that no level could spoil a flush, or a book."""
    for price, size in book.bids + book.asks:
        assert 0 < price <= NUMBER_MAX
        assert 0 <= size <= NUMBER_MAX


def check_message(message: Any) -> None:
    """Assert what the tape takes for granted."""
    if isinstance(message, Snapshot | Delta):
        check_levels(message)
        assert message.sequence is None or message.sequence in INT64
    if isinstance(message, Snapshot | Delta | Trade | Ticker):
        assert message.ts_event is None or 0 <= message.ts_event < 2**63
    if isinstance(message, TradeList):
        for trade in message.trades:
            check_message(trade)
    if isinstance(message, Trade):
        assert 0 <= message.price <= NUMBER_MAX
        assert 0 <= message.size <= NUMBER_MAX
        assert TRADE_ID.fullmatch(message.trade_id)
    if isinstance(message, Ticker):
        said = (message.bid_price, message.bid_size, message.ask_price, message.ask_size)
        for number in (*said, message.last_price):
            assert number is None or 0 <= number <= NUMBER_MAX
    if isinstance(message, Chatter):
        assert len(message.kind) <= 32 or not message.is_known  # counted by it
    if isinstance(message, Refused | Throttled):
        assert len(message.reason) <= 200
