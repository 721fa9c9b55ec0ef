import pytest

from services.operator.commands.exchanges import run
from tests.support.toys import make_exchange


def test_each_exchange_is_listed_with_what_is_recorded_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exchanges = {
        "toy": make_exchange(),
        "another": make_exchange(symbols=("A-B",), channels=("trades",)),
    }
    assert 0 == run(exchanges)
    expected = """\
toy      symbols   BTC-EUR, ETH-EUR
         channels  book, trades, ticker
         ws://127.0.0.1/  http://127.0.0.1/
another  symbols   A-B
         channels  trades
         ws://127.0.0.1/  http://127.0.0.1/
"""
    assert expected == capsys.readouterr().out


def test_without_exchanges_nothing_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run({})
    assert "" == capsys.readouterr().out
