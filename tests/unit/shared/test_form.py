from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.json import Decoder

from shared import form
from shared.errors import MalformedMessage
from shared.event import Trade
from shared.exchange import Raw


def read(kind: Any, text: str) -> Any:
    """Return what a decoder makes of a text, as those of the exchanges are."""
    decode = Decoder(list[kind], strict=False).decode
    return decode(msgspec.json.encode([text]))[0]


@pytest.mark.parametrize("text", ["0.00100000", "1", "75516.00", "0.5", "1e5", "9" * 24])
def test_a_text_of_a_number_is_that_number(text: str) -> None:
    assert float(text) == read(form.Price, text) == read(form.Number, text)


@pytest.mark.parametrize("kind", [form.Price, form.Number])
@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "5.", ".5", "007", "1,2", "1.2.3", "-1", "+1", "1e400", "1e25", "NaN", "nan"),
        *("inf", "-inf", "Infinity", "1_000", " 1", "1\n", "\u0663", "0x1", "null", "true", '"1"'),
        *("9" * 25, "9" * 400, "-0.5", "--1", "1 2"),
    ],
)
def test_anything_else_is_no_number(kind: Any, text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(kind, text)


def test_a_size_may_be_zero_and_a_price_may_not() -> None:
    assert 0.0 == read(form.Number, "0.00000000")
    for text in ("0", "0.00", "1e-400", "-0"):
        with pytest.raises(msgspec.ValidationError):
            read(form.Price, text)


@given(
    st.decimals(min_value=0, max_value=10**20, places=12).map(str) | st.floats(0, 1e24).map(repr)
)
def test_numbers_are_rounded_correctly(text: str) -> None:
    assert float(text) == read(form.Number, text)


@given(
    st.integers(form.CENTURY_NS.start, form.CENTURY_NS.stop - 10**6),
    st.sampled_from([1, 10**3, 10**6, 10**9]),
)
def test_a_time_of_this_century_is_read_in_whatever_unit(ts: int, unit_ns: int) -> None:
    whole = ts // unit_ns
    assume(whole * unit_ns >= form.CENTURY_NS.start)
    assert whole * unit_ns == form.time_ns(whole) == form.time_ns(str(whole))
    if unit_ns > 1:  # as text it is exact
        assert ts == form.time_ns(f"{whole}.{ts % unit_ns:0{len(str(unit_ns)) - 1}d}")
    seconds = form.time_ns(ts / 1e9)
    assert seconds is not None
    assert abs(seconds - ts) < 1000


def test_a_float_is_read_by_its_digits() -> None:
    assert 1568899482709000000 == form.time_ns(1568899482709.0)
    assert 1568899482709000000 == form.time_ns(1568899482.709)
    assert 1568899482709123000 == form.time_ns(1.568899482709123e15)


@pytest.mark.parametrize(
    "time",
    [None, True, 0, -1, 5, 10**10, 2**63, 10**40, float("inf"), float("nan"), -1.5e9, [], {}],
)
def test_what_is_no_time_of_this_century_is_none(time: object) -> None:
    assert form.time_ns(time) is None
    assert form.time_ns(str(time)) is None


@pytest.mark.parametrize("text", ["", "sNaN", "-Infinity", "1_790_000_000 s", "1" * 5000])
def test_a_text_that_is_no_number_is_no_time(text: str) -> None:
    assert form.time_ns(text) is None


def test_what_cannot_be_read_though_it_was_said_is_named() -> None:
    assert (None, ()) == form.decorating_time(None)
    assert (None, ("ts_event",)) == form.decorating_time("soon")
    assert () == form.find_unread(None, None, None, None)
    assert ("ts_event", "side") == form.find_unread(None, 5, None, "hold")
    assert () == form.find_unread(1, 5, "buy", "buy")


def test_decoding_refuses_what_is_too_long_before_it_is_looked_at() -> None:
    asked = []

    def decoder(raw: Raw) -> int:
        asked.append(len(raw))
        return 5

    assert 5 == form.decode(decoder, b" " * form.MESSAGE_BYTES_MAX)
    with pytest.raises(MalformedMessage) as raised:
        form.decode(decoder, b" " * (form.MESSAGE_BYTES_MAX + 1))
    assert [form.MESSAGE_BYTES_MAX] == asked
    assert "16777217 bytes are more than 16777216" == raised.value.reason


@pytest.mark.parametrize("raw", [b"", b"[", b'"\xff"', b"[" * 100_000, b'"\\ud800"', b"5"])
def test_what_cannot_be_decoded_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedMessage):
        form.decode(Decoder(list[Any] | str).decode, raw)


def test_an_error_keeps_only_the_beginning_of_what_it_was_given() -> None:
    error = form.malformed("x" * 5000, memoryview("é".encode() * 5000), raw_symbol="BTC-EUR")
    assert ("x" * 200, "é" * 200, "BTC-EUR") == (error.reason, error.excerpt, error.raw_symbol)


def test_a_list_of_trades_becomes_oldest_first_and_says_whether_it_is_full() -> None:
    newest_first = [
        Trade("X", name, "buy", 1.0, 1.0, ts) for name, ts in (("c", 2), ("b", 2), ("a", 1))
    ]
    trades = form.trade_list("X", newest_first, most=3)
    assert ["a", "b", "c"] == [trade.trade_id for trade in trades.trades]
    assert trades.is_cut
    assert not form.trade_list("X", newest_first, most=4).is_cut
    assert ["c", "b", "a"] == [trade.trade_id for trade in newest_first]


def test_bounds_are_part_of_the_types() -> None:
    assert 1 - 2**63 == msgspec.convert(1 - 2**63, form.Sequence)
    assert 0 == msgspec.convert(0, form.TradeId)
    for kind, beyond in ((form.Sequence, -(2**63)), (form.Sequence, 2**63), (form.TradeId, 2**63)):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(beyond, kind)
