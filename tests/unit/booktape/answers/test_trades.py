from pathlib import Path
from typing import Any

from booktape.answers.trades import SCHEMA, read_trades
from booktape.times import DAY_US
from tests.support.hand_tape import ETH, A, B, HandTape, at, ticker, trade

HOUR = 3600.0
DAY = DAY_US / 1e6


def trades_of(tape: HandTape, start: float, end: float) -> list[tuple[Any, ...]]:
    ledger, segments, _ = tape.reading()
    table = read_trades(ledger, segments, ("bitvavo", "BTC-EUR"), at(start), at(end))
    assert SCHEMA.names == table.schema.names
    return [
        ((round(row["ts"].timestamp() * 1e6) - at(0)) / 1e6, row["trade_id"], row["session"][-1])
        for row in table.to_pylist()
    ]


def test_a_trade_counts_once_and_the_row_that_came_first(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, trade(5, "t1", event=4), trade(6, "t2"), trade(6, "t3", symbol=ETH))
    tape.write(B, trade(4.5, "t1", event=4), trade(6, "t2"), ticker(9))
    assert [(4.0, "t1", "b"), (6.0, "t2", "b")] == trades_of(tape, 0, 9)


def test_the_time_is_the_exchanges_where_it_sends_one(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, trade(50, "old", event=2), trade(50, "new", event=49), trade(51, "plain"))
    assert [(2.0, "old", "a")] == trades_of(tape, 0, 49)
    assert [(49.0, "new", "a"), (51.0, "plain", "a")] == trades_of(tape, 49, 52)


def test_rows_of_a_minute_before_to_a_day_behind_are_looked_at(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, trade(-50, "ahead", event=1), trade(-70, "too far ahead", event=1))
    tape.write(A, trade(DAY, "late", event=1), trade(25 * HOUR + 2, "too late", event=1))
    tape.write(A, trade(DAY + 1, "later", event=DAY))
    assert ["ahead", "late"] == sorted(name for _, name, _ in trades_of(tape, 0, 9))
    assert ["later"] == [name for _, name, _ in trades_of(tape, DAY, DAY + 9)]


def test_what_comes_too_late_is_in_no_answer_however_wide(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, trade(26 * HOUR, "t", event=1))
    assert [] == trades_of(tape, 0, 30 * HOUR)


def test_no_trades_are_a_table_without_rows(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, ticker(1))
    assert [] == trades_of(tape, 0, 9)
