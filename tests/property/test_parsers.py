"""Whatever comes, a parser answers by a list of messages, or by `MalformedMessage`.

FUZZ_EXAMPLES asks for more inputs than `make test` tries, as `make fuzz` does.
"""

import json
import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.event import Delta, Snapshot, Trade, TradeList
from shared.exchange import Exchange, Message
from tests.fuzz.corpus import EXCHANGES, recorded
from tests.fuzz.mutate import NASTY, VALUE
from tests.fuzz.promises import check
from tests.support.paths import RECORDINGS

each_exchange = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
fuzz = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
finite = (  # of the floats those that JSON has
    *(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    st.floats(allow_nan=False, allow_infinity=False),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)
times = st.integers(1, 2 * 10**9).flatmap(
    lambda s: st.sampled_from([s, s * 1000, s * 10**6, s * 10**9, str(s), s + 0.25, f"{s}.123456"])
)
# What only decorates events of the exchanges that have recordings, and the sides of their books.
DECORATING = {"timestamp", "timestampNs", "D", "side", "S"}
DECORATED = re.compile(rb'"event": ?"(?:book|trade)"|getBook|^\[4[23]')
SIDES = {"bids", "asks", "AO", "BO"}
SIDED = re.compile(rb'"(?:bids|AO)"')


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
def test_what_only_decorates_an_event_never_costs_it(exchange: Exchange, data: Any) -> None:
    """Times and sides of any type; the rest stays as it was, to the last number."""
    raw = data.draw(st.sampled_from([one for one in recorded(exchange) if DECORATED.search(one)]))
    message = json.loads(raw)
    for part in _parts(message):
        for name in DECORATING & part.keys():
            part[name] = data.draw(times | st.one_of(finite) | st.lists(st.one_of(finite)))
    changed = exchange.parse(json.dumps(message).encode())
    assert _plain(exchange.parse(raw)) == _plain(changed)


@each_exchange
@fuzz
@given(data=st.data())
def test_a_side_of_a_book_that_is_empty_in_any_way_is_empty(exchange: Exchange, data: Any) -> None:
    raw = data.draw(st.sampled_from([one for one in recorded(exchange) if SIDED.search(one)]))
    empty, odd = json.loads(raw), json.loads(raw)
    for part, changed in zip(_parts(empty), _parts(odd), strict=True):
        for name in sorted(SIDES & part.keys()):
            part[name] = changed[name] = []
            if data.draw(st.booleans()):
                changed[name] = None
            else:
                del changed[name]
            break
    assert exchange.parse(json.dumps(empty).encode()) == exchange.parse(json.dumps(odd).encode())


def _parts(message: Any) -> list[dict[str, Any]]:
    """Return every object in a message."""
    inner = message.values() if isinstance(message, dict) else message
    parts = [part for one in inner if isinstance(one, dict | list) for part in _parts(one)]
    return [message, *parts] if isinstance(message, dict) else parts


def _plain(messages: list[Message]) -> list[Message]:
    """Return the messages without times and sides."""
    return [_undecorated(message) for message in messages]


def _undecorated(message: Message) -> Message:
    match message:
        case Trade():
            return replace(message, ts_event=None, side=None, unread=())
        case TradeList():
            ordered = sorted(message.trades, key=lambda trade: trade.trade_id)
            plain = [replace(trade, ts_event=None, side=None, unread=()) for trade in ordered]
            return replace(message, trades=plain)
        case Snapshot() | Delta():
            return replace(message, ts_event=None, unread=())
        case _:
            return message


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
