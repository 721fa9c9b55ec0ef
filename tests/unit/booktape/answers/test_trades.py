from pathlib import Path
from typing import Any

import pyarrow as pa

from booktape.answers.trades import ROW_BYTES, SCHEMA, read_trades
from booktape.times import DAY_US
from tests.support.hand_tape import ETH, A, B, HandTape, at, ticker, trade

HOUR = 3600.0
DAY = DAY_US / 1e6


def parts_of(
    tape: HandTape, start: float, end: float, *, memory_bytes: int = 1 << 20
) -> list[pa.Table]:
    ledger, segments, _ = tape.reading()
    span, market = (at(start), at(end)), ("bitvavo", "BTC-EUR")
    return list(read_trades(ledger, segments, market, *span, memory_bytes=memory_bytes))


def trades_of(
    tape: HandTape, start: float, end: float, *, memory_bytes: int = 1 << 20
) -> list[tuple[Any, ...]]:
    parts = parts_of(tape, start, end, memory_bytes=memory_bytes)
    table = pa.concat_tables([SCHEMA.empty_table(), *parts]).unify_dictionaries()
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


def make_week(root: Path) -> HandTape:
    tape = HandTape(root)
    for day in range(7):
        begin = day * DAY
        tape.write(A, *(trade(begin + n, f"{day}-{n}") for n in range(9)), ticker(begin + 10))
        lists = [trade(begin + DAY, f"{day}-{n}", event=begin + n) for n in (8, 9)]
        tape.write(B, *lists, trade(begin + DAY, f"{day}-0"))
    return tape


def test_a_week_comes_a_day_at_a_time(tmp_path: Path) -> None:
    parts = parts_of(make_week(tmp_path), 0, 7 * DAY)
    assert 7 == len(parts)
    times = [ts for part in parts for ts in part["ts"].to_pylist()]
    assert times == sorted(times)
    names = [name for part in parts for name in part["trade_id"].to_pylist()]
    assert sorted(f"{day}-{n}" for day in range(7) for n in range(10)) == sorted(names)


def test_more_trades_than_fit_into_memory_are_read_again(tmp_path: Path) -> None:
    tape = make_week(tmp_path)
    # Rows without the exchange's time are apart: whether they repeat is known a range at a time.
    known = [row for row in trades_of(tape, 0, 7 * DAY) if row[0] % DAY]
    little = trades_of(tape, 0, 7 * DAY, memory_bytes=4 * 5 * ROW_BYTES)
    assert known == [row for row in little if row[0] % DAY]
    assert len(parts_of(tape, 0, 9, memory_bytes=1)) > 3


def test_no_trades_are_a_table_without_rows(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, ticker(1))
    assert [] == trades_of(tape, 0, 9)
