"""The configuration, filled up with what the exchanges declare."""

from pathlib import Path

import pytest

from booktape.errors import ConfigError
from shared.process.configured import load_settings
from tests.support.toys import make_exchange


def test_what_the_configuration_leaves_open_the_exchange_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    toy = make_exchange(channels=("book",), rest_url="https://toy.example/v1")
    settings = load_settings({"toy": toy}, {"BOOKTAPE__EXCHANGES__TOY__SYMBOLS": '["ETH-EUR"]'})
    own = settings.exchanges["toy"]
    assert (("ETH-EUR",), ("book",), 10) == (own.symbols, own.channels, own.symbols_per_socket)
    assert ("ws://127.0.0.1/", "https://toy.example/v1") == (own.websocket_url, own.rest_url)
    assert tmp_path == settings.folder


def test_an_exchange_that_there_is_not_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no such exchange; there are: toy"):
        load_settings({"toy": make_exchange()}, {"BOOKTAPE__EXCHANGES__NOPE__SYMBOLS": "all"})
