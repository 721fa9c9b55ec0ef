"""Shows that the comparison tells where the library and the reference are not the same."""

from pathlib import Path

import pytest

import booktape
from tests.support.agreement.books import (
    compare_align,
    compare_books,
    compare_changes,
    compare_coverage,
    compare_grid,
    compare_replay,
    compare_stitched,
    compare_top_at,
)
from tests.support.agreement.pair import Pair, is_same
from tests.support.agreement.trades import (
    compare_bars,
    compare_quotes,
    compare_spread,
    compare_trades,
)
from tests.support.reference.reader import Reference
from tests.support.small_tapes import SMALL_TAPES
from tests.support.tape_lines import at
from tests.support.tape_maker import make_tape

BTC = ("bitvavo", "BTC-EUR")
SECOND = 1_000_000
RANGE = (at(0), at(9))


def make_pair(folder: Path, name: str, before: str, after: str) -> Pair:
    """Return two readers of tapes that are the same but for a few letters."""
    text = SMALL_TAPES[name]
    assert before in text
    one = make_tape(folder / "one", text)
    other = make_tape(folder / "other", text.replace(before, after, 1))
    return Pair(booktape.open(one), Reference(other))


@pytest.fixture
def audit(tmp_path: Path) -> Pair:
    return make_pair(tmp_path, "audit", "98x1 97x1 96x4", "98x1 97x1 96x5")


def test_one_size_is_told_wherever_it_shows(audit: Pair) -> None:
    (said,) = compare_books(audit, BTC, [at(2), at(3), at(2.5)])
    assert said.startswith("book_at bitvavo:BTC-EUR 3.000000: wanted")
    assert "(96.0, 5.0)" in said
    assert 1 == len(compare_top_at(audit, BTC, [at(2), at(3), at(2.5)], depth=4))
    assert [] == compare_top_at(audit, BTC, [at(3)], depth=2)
    assert 1 == len(compare_grid(audit, BTC, *RANGE, every=SECOND, depth=4))
    assert 1 == len(compare_changes(audit, BTC, *RANGE, depth=4))
    assert 1 == len(compare_replay(audit, BTC, *RANGE))
    assert 1 == len(compare_stitched(audit, BTC, *RANGE, [at(2), at(3)]))


def test_one_microsecond_is_told(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "audit", "6    -       session_end", "6.000001 - session_end")
    assert compare_coverage(pair, BTC, *RANGE)
    assert compare_changes(pair, BTC, *RANGE, depth=1)
    assert ["book_at bitvavo:BTC-EUR 6.000000: wanted"] == [
        said[:40] for said in compare_books(pair, BTC, [at(5.999999), at(6), at(6.000001)])
    ]


def test_another_cause_is_told(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "each_end", "resync {}", "stale {}")
    assert compare_coverage(pair, BTC, *RANGE)
    assert ["book_at bitvavo:BTC-EUR 3.600000: wanted stale, found resync"] == (
        compare_books(pair, BTC, [at(3.6)])
    )


def test_another_trade_is_told(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "trades", "t4 buy 102x2", "t4 sell 102x2")
    assert compare_trades(pair, BTC, at(0), at(60))
    assert compare_bars(pair, BTC, at(0), at(60), 60 * SECOND)
    assert [] == compare_bars(pair, BTC, at(60), at(120), 60 * SECOND)


def test_a_bar_that_is_not_whole_is_told(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "trade_gap", '"last":"t2"', '"last":"t1"')
    assert compare_bars(pair, BTC, at(0), at(60), 60 * SECOND)


def test_another_quote_is_told(tmp_path: Path) -> None:
    pair = make_pair(
        tmp_path, "quotes", "3     BTC-EUR snapshot 99x1", "3     BTC-EUR snapshot 99x2"
    )
    assert compare_quotes(pair, BTC, *RANGE)


def test_another_spread_is_told(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "spread", "4800x0.5", "4800x0.6")
    markets = [BTC, ("btcturk", "BTC-TRY"), ("bitvavo", "USDT-EUR"), ("btcturk", "USDT-TRY")]
    assert compare_spread(pair, markets, *RANGE, every=SECOND, depth=25)
    pair = make_pair(tmp_path / "align", "spread", "108x2\n", "108x2 105x1\n")
    named = {"a": BTC, "b": markets[1]}
    assert [] == compare_align(pair, named, *RANGE, every=SECOND)
    pair = make_pair(tmp_path / "touch", "spread", "104x1 108x2\n", "103x1 108x2\n")
    assert [] == compare_align(pair, {"b": markets[1]}, *RANGE, every=SECOND)
    pair = make_pair(tmp_path / "size", "spread", "104x1 108x2\n", "104x3 108x2\n")
    assert compare_align(pair, named, *RANGE, every=SECOND)


def test_columns_rows_and_types_must_be_the_same() -> None:
    assert is_same({"a": 1, "b": 2.0}, {"a": 1, "b": 2.0 + 1e-12})
    assert not is_same({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert not is_same({"a": 1}, {"a": 1.0})
    assert not is_same([1, 2], [1])
    assert not is_same(None, 0)
    assert not is_same([True], [1])
