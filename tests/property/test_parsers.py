"""Whatever comes, a parser answers by a list of messages, or by `MalformedMessage`.

FUZZ_EXAMPLES asks for more inputs than `make test` tries, as `make fuzz` does.
"""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.exchange import Exchange
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
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)


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
