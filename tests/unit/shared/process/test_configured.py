"""The configuration, filled up with what the exchanges declare."""

from pathlib import Path

import pytest

from booktape.errors import ConfigError
from shared.exchange import Cost, Limit
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


@pytest.mark.parametrize(("share", "is_enough"), [("0.05", True), ("0.04", False)])
def test_a_share_below_one_question_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: str, *, is_enough: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    limits = {"weight": Limit(points=100, interval_s=60.0)}
    toy = make_exchange(limits=limits, connect_cost=Cost("weight", 5))
    variables = {"BOOKTAPE__EXCHANGES__TOY__LIMIT_SHARE": share}
    if is_enough:
        assert float(share) == load_settings({"toy": toy}, variables).exchanges["toy"].limit_share
        return
    with pytest.raises(ConfigError, match=r"limit_share = 0.04: of the 100 points .* takes 5"):
        load_settings({"toy": toy}, variables)


def test_half_a_spread_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="a list of four different markets"):
        load_settings({}, {"BOOKTAPE__DASHBOARD__SPREAD": '["a:B-C", "a:B-D"]'})
