from pathlib import Path

import pytest

import booktape
from booktape.report.quotes import MarketQuotes, read_books, read_tickers
from tests.support.commands import make_sample
from tests.support.hand_tape import NOON, SECOND, A, B, HandTape, snapshot, ticker

MARKET = "bitvavo:BTC-EUR"
SPAN = NOON, NOON + 6 * SECOND

pytestmark = pytest.mark.filterwarnings("ignore:replaying without the compiled engine")


def make_tape(root: Path) -> booktape.Tape:
    tape = HandTape(root)
    tape.write(A, snapshot(0, 1, ("bid", 1.0, 1.0)), ticker(0, bid=1.0), ticker(0.5, bid=2.0))
    tape.write(A, ticker(1, bid=3.0), ticker(3.5, bid=4.0), ticker(3.9, bid=None))
    return booktape.open(root)


def test_a_ticker_holds_until_the_next_one(tmp_path: Path) -> None:
    quotes = read_tickers(make_tape(tmp_path), MARKET, SPAN, SECOND, [])
    assert [NOON + n * SECOND for n in range(6)] == quotes.ts
    assert [1.0, 3.0, 3.0, 3.0, None, None] == quotes.columns["bid"]
    assert quotes.is_known


def test_a_ticker_holds_no_longer_than_its_book(tmp_path: Path) -> None:
    gaps = [(NOON + 2 * SECOND, NOON + 3 * SECOND)]
    quotes = read_tickers(make_tape(tmp_path), MARKET, SPAN, SECOND, gaps)
    # At 3 s the book is back, but the last ticker is of before.
    assert [1.0, 3.0, None, None, None, None] == quotes.columns["bid"]


def test_a_gap_to_the_end_has_nothing_behind_it(tmp_path: Path) -> None:
    gaps = [(NOON - SECOND, NOON), (NOON + SECOND, NOON + 7 * SECOND)]
    quotes = read_tickers(make_tape(tmp_path), MARKET, SPAN, SECOND, gaps)
    assert [1.0, None, None, None, None, None] == quotes.columns["bid"]


def test_of_two_lines_the_newest_ticker_counts(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, ticker(0, bid=1.0), ticker(2, bid=2.0))
    tape.write(B, ticker(1, bid=8.0), ticker(1.5, bid=9.0))
    quotes = read_tickers(booktape.open(tmp_path), MARKET, SPAN, SECOND, [])
    assert [1.0, 8.0, 2.0, 2.0, 2.0, 2.0] == quotes.columns["bid"]


def test_no_tickers_are_no_prices(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 1, ("bid", 1.0, 1.0)))
    assert not read_tickers(booktape.open(tmp_path), MARKET, SPAN, SECOND, []).is_known


def test_books_say_the_same_and_what_lies_near_the_middle(tmp_path: Path) -> None:
    tape = booktape.open(make_sample(tmp_path))
    start = 1_789_992_000 * SECOND
    span = start + 10 * SECOND, start + 50 * SECOND
    books = read_books(tape, MARKET, span, SECOND)
    tickers = read_tickers(tape, MARKET, span, SECOND, [])
    assert books.ts == tickers.ts
    same = [a == b for a, b in zip(books.columns["bid"], tickers.columns["bid"], strict=True)]
    assert sum(same) > 10  # a ticker of the sample is up to three seconds old
    near, far = (books.columns[f"bid_within_{bps}bps"] for bps in (10, 50))
    assert all(a is not None and b is not None and a <= b for a, b in zip(near, far, strict=True))


def test_a_spread_is_of_both_sides() -> None:
    columns: dict[str, list[float | None]] = {"bid": [99.0, None, 1.0], "ask": [101.0, 1.0, None]}
    assert [200.0, None, None] == MarketQuotes("m", [1, 2, 3], columns).spreads_bps()
