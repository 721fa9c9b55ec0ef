from pathlib import Path

import pytest

from booktape.errors import UnknownExchange, UnknownSymbol
from tests.support.hand_tape import BTC, at
from tests.support.opened import reading_of


def test_a_market_an_exchange_or_everything_is_named_by_one_text(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    assert (["bitvavo", "btcturk"], None) == reading.parse_scope(None)
    assert (["btcturk"], None) == reading.parse_scope("btcturk")
    assert (["bitvavo"], BTC) == reading.parse_scope("bitvavo:BTC-EUR")
    assert "bitvavo:BTC-EUR" == reading.parse_market("bitvavo:BTC-EUR").name


def test_what_is_not_on_the_tape_is_refused(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    with pytest.raises(UnknownExchange):
        reading.parse_scope("kraken")
    with pytest.raises(UnknownSymbol):
        reading.parse_scope("bitvavo:BTC-TRY")
    with pytest.raises(ValueError, match="'bitvavo' is no market: write bitvavo:BTC-EUR"):
        reading.parse_market("bitvavo")
    with pytest.raises(ValueError, match=r"\('bitvavo', 'BTC-EUR'\) is no market"):
        reading.parse_market(("bitvavo", "BTC-EUR"))


def test_a_range_without_bounds_is_that_of_the_rows(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    assert (at(0), at(10) + 1) == reading.parse_range(["bitvavo"], None, None)
    assert (5, at(10) + 1) == reading.parse_range(["bitvavo"], 5, None)
    assert (5, 7) == reading.parse_range(["bitvavo"], 5, 7)


def test_segments_are_found_by_dates_and_tables(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    flushes = reading.find_flushes(["bitvavo", "btcturk"], "book", (at(0), at(9)))
    assert [("bitvavo", 0), ("bitvavo", 9), ("btcturk", 0)] == [
        (flush.exchange, flush.first) for flush in flushes
    ]
    assert [] == reading.find_flushes(["bitvavo"], "book", (5, 7))
    assert 7 == len(reading.find_entries(["bitvavo"]))
    assert 2 == len(reading.find_entries(["bitvavo"], (at(0), at(9)), ("trades",)))
