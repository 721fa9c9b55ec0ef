import inspect

import pytest

import shared.errors
from booktape.errors import BooktapeError, ConfigError
from shared.errors import ConnectionLost, ExchangeError, LockHeld, MalformedMessage, RateLimited


def test_all_of_them_can_be_caught_as_ours() -> None:
    classes = [kind for _, kind in inspect.getmembers(shared.errors, inspect.isclass)]
    assert [] == [kind for kind in classes if not issubclass(kind, BooktapeError)]


def test_config_error_tells_every_fault_on_a_line_of_its_own() -> None:
    error = ConfigError(["a.b takes text", "c.d: no such key"])
    assert ["a.b takes text", "c.d: no such key"] == error.faults
    assert "a.b takes text\nc.d: no such key" == str(error)


def test_a_held_lock_names_its_holder() -> None:
    assert "process 7" in str(LockHeld("bitvavo-a.lock", holder="process 7"))


def test_a_lost_connection_knows_the_wait_only_where_the_exchange_named_one() -> None:
    assert ConnectionLost("closed").retry_after_s is None
    assert 30.0 == ConnectionLost("refused", retry_after_s=30.0).retry_after_s


def test_a_rate_limit_says_how_long_to_wait() -> None:
    error = RateLimited("banned", retry_after_s=900.0)
    assert 900.0 == error.retry_after_s
    assert "banned; wait 900 s" == str(error)


@pytest.mark.parametrize("raw", [b"x" * 1000, "x" * 1000])
def test_a_malformed_message_keeps_the_first_200_characters(raw: bytes | str) -> None:
    error = MalformedMessage("is not JSON", raw=raw, raw_symbol="BTC-EUR")
    assert "x" * 200 == error.excerpt
    assert "is not JSON: " + "x" * 200 == str(error)
    assert "BTC-EUR" == error.raw_symbol


def test_a_malformed_message_need_not_be_text() -> None:
    assert "\ufffd" == MalformedMessage("is not UTF-8", raw=b"\xff").excerpt


def test_a_malformed_message_is_no_reason_to_reconnect() -> None:
    assert not issubclass(MalformedMessage, ExchangeError)


def test_a_malformed_message_says_its_channel_where_that_is_known() -> None:
    known = MalformedMessage("no size", raw=b"{}", channel="book")
    assert {"channel": "book", "reason": "no size", "raw": "{}"} == known.facts
    assert {"reason": "no size", "raw": "{}"} == MalformedMessage("no size", raw=b"{}").facts
