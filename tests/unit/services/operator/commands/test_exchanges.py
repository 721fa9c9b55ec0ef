import pytest

from services.__main__ import find_exchanges
from services.operator.commands.exchanges import run


def test_each_exchange_is_listed_with_what_is_recorded_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert 0 == run(find_exchanges())
    text = capsys.readouterr().out
    assert "bitvavo  symbols   BTC-EUR, ETH-EUR, USDT-EUR\n" in text
    assert "btcturk  symbols   BTC-TRY, ETH-TRY, USDT-TRY\n" in text
    assert 2 == text.count("channels  book, trades, ticker\n")


def test_without_exchanges_nothing_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run({})
    assert "" == capsys.readouterr().out
