import datetime as dt
from pathlib import Path

from booktape.answers.lists import (
    scan_coverage,
    scan_days,
    scan_instruments,
    scan_sessions,
    scan_symbols,
)
from tests.support.hand_tape import BTC, at
from tests.support.opened import reading_of, rows_of

DAY = dt.date(2026, 11, 22)
BOTH = ["bitvavo", "btcturk"]


def test_each_list_is_a_scan(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    symbols = rows_of(scan_symbols(reading, BOTH))
    assert {
        "exchange": "bitvavo",
        "symbol": BTC,
        "first": DAY,
        "last": DAY,
        "tables": ["book", "trades", "ticker"],
    } == symbols[0]
    assert [("bitvavo", DAY, "pending"), ("btcturk", DAY, "pending")] == [
        (row["exchange"], row["date"], row["condition"])
        for row in rows_of(scan_days(reading, BOTH))
    ]
    sessions = rows_of(scan_sessions(reading, BOTH, (at(0), at(9))))
    assert [("bitvavo", 0.0, 10.0, 12), ("btcturk", 0.0, 10.0, 4)] == [
        (row["exchange"], row["first"], row["last"], row["events"]) for row in sessions
    ]
    assert [BTC] == [
        row["symbol"] for row in rows_of(scan_instruments(reading, "bitvavo", "2026-12-01"))
    ]
    assert 1 == scan_instruments(reading, "bitvavo", "2026-12-01").plan().objects


def test_coverage_is_of_one_symbol_or_of_all_with_a_book(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    span = at(2), at(9)
    one = rows_of(scan_coverage(reading, ["bitvavo"], BTC, span))
    assert [(2.0, 4.0, True, None), (4.0, 6.0, False, "gap"), (6.0, 9.0, True, None)] == [
        (row["start"], row["end"], row["whole"], row["cause"]) for row in one
    ]
    found = rows_of(scan_coverage(reading, BOTH, None, span))
    assert 3 + 2 + 3 == len(found)
    assert ("btcturk", "USDT-TRY") == (found[-1]["exchange"], found[-1]["symbol"])
