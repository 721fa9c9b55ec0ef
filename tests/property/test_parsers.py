"""Whatever comes, a parser answers by a list of messages, or by `MalformedMessage`."""

import json
import pkgutil
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import services
from shared import form
from shared.book import Delta, Snapshot
from shared.errors import MalformedMessage
from shared.event import Chatter, RateLimited, Refused, Subscribed, Ticker, Trade, TradeList
from shared.exchange import Exchange

RECORDINGS = Path(__file__).parents[1] / "recordings"
FOLDERS = [m.name for m in pkgutil.iter_modules(services.__path__) if m.name.startswith("ingest_")]
EXCHANGES: list[Exchange] = [
    import_module(f"services.{name}.exchange").EXCHANGE for name in FOLDERS
]
INT64 = range(-(2**63), 2**63)
EVENTS = (Delta, Snapshot, Trade, TradeList, Ticker, Subscribed, Refused, RateLimited, Chatter)
PLAIN = re.compile(r"[0-9]{1,24}(\.[0-9]{1,24})?")

# What stands where a value of a message stood.
NASTY = [b"null", b"true", b"-1", b"0", b"1e400", b"-0.0", b"1.5", b"NaN", b"Infinity", b"9" * 19]
NASTY += [b"9" * 25, b"9" * 5000, b'""', b'"0"', b'"-1"', b'"1e5"', b'"NaN"', b'"\xff"', b"\x00"]
NASTY += [
    b'"\\ud800"',
    b'"\\u0000"',
    b'"a\\nb"',
    b"[]",
    b"{}",
    b"[[]]",
    b'[["1","1"]]',
    b"[" * 3000,
]
NASTY += [b'{"a":' * 3000, b'"' + b"x" * 5000 + b'"', b'"../../etc"', b'"1"', b"431", b"105"]
VALUE = re.compile(rb'"[^"]*"|-?[0-9.]+|null|true|false|\[\]|\{\}')


def recorded(exchange: Exchange) -> list[bytes]:
    paths = sorted((RECORDINGS / exchange.name).glob("ws_*"))
    return [line for path in paths for line in path.read_bytes().splitlines()]


each_exchange = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
fuzz = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)


def check(parse: Callable[[bytes], Any], raw: bytes) -> None:
    refusal = None
    messages = []
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
    for price, size in book.bids + book.asks:
        assert 0 < price <= form.NUMBER_MAX
        assert 0 <= size <= form.NUMBER_MAX


def check_message(message: Any) -> None:
    if isinstance(message, Snapshot | Delta):
        check_levels(message)
        assert message.sequence is None or message.sequence in INT64
    if isinstance(message, Snapshot | Delta | Trade | Ticker):
        assert message.ts_event is None or 0 <= message.ts_event < 2**63
    if isinstance(message, TradeList):
        for trade in message.trades:
            check_message(trade)
    if isinstance(message, Trade):
        assert 0 <= message.price <= form.NUMBER_MAX
        assert 0 <= message.size <= form.NUMBER_MAX
        assert re.fullmatch(r"[!-~]{1,64}", message.trade_id)
    if isinstance(message, Ticker):
        said = (message.bid_price, message.bid_size, message.ask_price, message.ask_size)
        for number in (*said, message.last_price):
            assert number is None or 0 <= number <= form.NUMBER_MAX
    if isinstance(message, Chatter):
        assert len(message.kind) <= 32  # counted by it
    if isinstance(message, Refused | RateLimited):
        assert len(message.reason) <= 200


@each_exchange
@fuzz
@given(raw=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_taken(exchange: Exchange, raw: bytes) -> None:
    check(exchange.parse, raw)


@each_exchange
@fuzz
@given(value=values)
def test_any_json_is_taken(exchange: Exchange, value: Any) -> None:
    check(exchange.parse, json.dumps(value).encode())


@each_exchange
@fuzz
@given(data=st.data())
def test_a_recorded_message_with_other_values_is_taken(exchange: Exchange, data: Any) -> None:
    raw = data.draw(st.sampled_from(recorded(exchange)))
    for _ in range(data.draw(st.integers(1, 3))):
        spans = [match.span() for match in VALUE.finditer(raw)]
        if spans:
            start, end = data.draw(st.sampled_from(spans))
            raw = raw[:start] + data.draw(st.sampled_from(NASTY)) + raw[end:]
    check(exchange.parse, raw)


@each_exchange
@fuzz
@given(data=st.data())
def test_a_recorded_message_with_damaged_bytes_is_taken(exchange: Exchange, data: Any) -> None:
    raw = data.draw(st.sampled_from(recorded(exchange)))
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(raw))] * 2)))
    check(exchange.parse, raw[:start] + data.draw(st.binary(max_size=8)) + raw[end:])


@each_exchange
@fuzz
@given(data=st.data())
def test_a_body_with_other_values_is_taken(exchange: Exchange, data: Any) -> None:
    rest = exchange.rest
    assert rest.parse_trades
    parsers: dict[str, Callable[[bytes], Any]] = {
        "rest_markets_*": lambda raw: rest.parse_markets(raw) and [],
        "rest_book_*": lambda raw: [rest.parse_book("BTC-EUR", raw)],
        "rest_trades_*": lambda raw: [rest.parse_trades and rest.parse_trades("BTC-EUR", raw)],
    }
    kind = data.draw(st.sampled_from(sorted(parsers)))
    path = data.draw(st.sampled_from(sorted((RECORDINGS / exchange.name).glob(kind))))
    raw = path.read_bytes()[:2000] if path.stat().st_size > 10_000 else path.read_bytes()
    start, end = data.draw(st.sampled_from([match.span() for match in VALUE.finditer(raw)]))
    raw = raw[:start] + data.draw(st.sampled_from(NASTY)) + raw[end:]
    check(parsers[kind], raw)
    wait_s = rest.ban_s(429, {"retry-after": str(start), "x": "y"}, raw, start)
    assert wait_s is not None
    assert 1 <= wait_s <= 86_400
