from typing import Any

import msgspec
import pytest
from msgspec.json import Decoder

from shared import form
from shared.errors import MalformedMessage
from shared.event import Trade
from shared.exchange import Raw


def is_accepted(kind: Any, text: str) -> bool:
    try:
        msgspec.convert(text, kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize("text", ["0", "1", "007", "1.50", "0." + "1" * 23, "9" * 24])
def test_a_plain_number_is_accepted(text: str) -> None:
    assert is_accepted(form.Number, text)


NO_NUMBERS = ["", ".", ".5", "5.", "+1", "-1", "1e5", "1E-8", "1,5", " 1", "1\n", "1_0", "1.2.3"]
NO_NUMBERS += ["NaN", "inf", "0x1", "\u0661", "9" * 25, "0." + "1" * 24]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_anything_else_is_no_number(text: str) -> None:
    assert not is_accepted(form.Number, text)
    assert (text == "") == is_accepted(form.NumberOrEmpty, text)


def test_times_end_where_int64_does() -> None:
    assert is_accepted(form.MillisecondsText, "8999999999999")
    assert form.to_ns("8999999999999") < form.INT64_MAX
    assert not is_accepted(form.MillisecondsText, "9300000000000")
    assert form.to_ns(form.INT64_MAX // form.NS_PER_MS) <= form.INT64_MAX
    assert 1568899482709000000 == form.to_ns(1568899482709.0)


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
        Trade("X", name, "buy", "1", "1", ts) for name, ts in (("c", 2), ("b", 2), ("a", 1))
    ]
    trades = form.trade_list("X", newest_first, most=3)
    assert ["a", "b", "c"] == [trade.trade_id for trade in trades.trades]
    assert trades.is_cut
    assert not form.trade_list("X", newest_first, most=4).is_cut
    assert ["c", "b", "a"] == [trade.trade_id for trade in newest_first]


def test_bounds_are_part_of_the_types() -> None:
    kinds: list[Any] = [form.Sequence, form.Nanoseconds, form.Milliseconds]
    for kind, lowest in zip(kinds, (-(2**63), 0, 0), strict=True):
        assert lowest == msgspec.convert(lowest, kind)
        for beyond in (lowest - 1, 2**63):
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(beyond, kind)
