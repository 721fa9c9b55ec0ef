from pathlib import Path

import pytest

from services.__main__ import find_exchanges
from services.operator.commands.book import format_book, run
from services.operator.commands.simulators import Simulators
from shared.event import Snapshot
from shared.process.configured import load_settings
from tests.process.standing import STAND_IN, install
from tests.support.levels import levels

BIDS = [("9.5", "1"), ("10.05", "2.5"), ("9", "3")]
ASKS = [("11", "1"), ("10.1", "22"), ("100", "3")]


def test_the_best_levels_stand_in_the_middle() -> None:
    book = Snapshot("BTCEUR", *levels(BIDS, ASKS), sequence=7)
    expected = """\
bitvavo BTC-EUR, sequence 7, 3 bids, 3 asks
  ask     11    1
  ask   10.1   22
  bid  10.05  2.5
  bid    9.5    1"""
    assert expected == format_book("bitvavo", "BTC-EUR", book, limit=2)


def test_an_empty_book_without_a_sequence_is_a_line() -> None:
    expected = "btcturk BTC-TRY, 0 bids, 0 asks"
    book = Snapshot("BTCTRY", *levels([], []))
    assert expected == format_book("btcturk", "BTC-TRY", book, limit=5)


def test_a_book_is_fetched_by_the_parser_of_the_feed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges = find_exchanges()
    monkeypatch.chdir(tmp_path)
    with Simulators() as simulators:
        address = simulators.start(
            "btcturk", [], environment=install(tmp_path, STAND_IN), log=tmp_path / "log"
        )
        own = {"BOOKTAPE__EXCHANGES__BTCTURK__REST_URL": address.rest_url}
        settings = load_settings(exchanges, own)
        assert 0 == run(exchanges["btcturk"], settings, "BTC-TRY", limit=1)
    head, ask, bid = capsys.readouterr().out.splitlines()
    assert head.startswith("btcturk BTC-TRY, ")
    assert ["ask", "bid"] == [ask.split()[0], bid.split()[0]]
    assert (tmp_path / "var" / "limits" / "btcturk.json").is_file()
