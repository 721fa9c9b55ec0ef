from pathlib import Path

import pytest

from booktape.answers.reading import Reading
from booktape.answers.rows import scan_raw, scan_stitched, scan_trades
from booktape.books.market import Market
from tests.support.hand_tape import BTC, at
from tests.support.opened import reading_of, rows_of

SPAN = at(0), at(9)


def market_of(reading: Reading) -> Market:
    return reading.make_market("bitvavo", BTC)


@pytest.mark.parametrize(
    ("exchanges", "symbol", "numbers"),
    [(["bitvavo"], BTC, [1, 1, 7, 7, 9]), (["btcturk"], None, [0, 0, 1, 1, 2, 2])],
)
def test_raw_rows_are_those_that_were_stored(
    tmp_path: Path, exchanges: list[str], symbol: str | None, numbers: list[int]
) -> None:
    scan = scan_raw(reading_of(tmp_path), "book", exchanges, symbol, SPAN)
    rows = rows_of(scan)
    assert numbers == [row["event_number"] for row in rows]
    assert exchanges * len(numbers) == [row["exchange"] for row in rows]
    assert list(rows[0]) == scan.schema.names
    assert ["exchange"] == scan.select("exchange").to_arrow().schema.names


def test_stitched_rows_are_those_of_one_session(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    book = scan_stitched(reading, "book", market_of(reading), SPAN)
    assert [1.0, 1.0, 6.0, 6.0, 7.0] == [row["ts_recv"] for row in rows_of(book)]
    trades = scan_stitched(reading, "trades", market_of(reading), SPAN)
    assert ["t1", "t2"] == [row["trade_id"] for row in rows_of(trades)]
    assert [BTC, BTC] == [row["symbol"] for row in rows_of(trades)]
    assert (3, 2) == (book.plan().objects, trades.plan().objects)


def test_trades_come_with_the_prices_before_them(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    plain = scan_trades(reading, market_of(reading), (at(-30), at(9)), is_quoted=False)
    assert [-20.0, 1.9, 8.0] == [row["ts"] for row in rows_of(plain)]
    quoted = scan_trades(reading, market_of(reading), (at(-30), at(9)), is_quoted=True)
    assert [None, 99.0, 100.0] == [row["bid_price"] for row in rows_of(quoted)]
    assert 2 == quoted.plan().objects
