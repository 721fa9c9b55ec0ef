from pathlib import Path

import pyarrow as pa
import pytest

from booktape.answers.raw import add_name, make_schema, read_raw
from tests.support.hand_tape import BTC, ETH, A, HandTape, at, delta, snapshot


@pytest.mark.parametrize("memory_bytes", [1, 3000, 1 << 28])
def test_rows_come_by_event_number_however_little_memory(tmp_path: Path, memory_bytes: int) -> None:
    tape = HandTape(tmp_path, row_group_rows=3)
    levels = ("bid", 1.0, 1.0), ("ask", 2.0, 1.0)
    tape.write(A, *(snapshot(n, n, *levels, symbol=(BTC, ETH)[n % 2]) for n in range(10)))
    numbers = numbers_of(tape, None, memory_bytes)
    assert [n for n in range(3, 8) for _ in levels] == numbers
    assert [3, 3, 5, 5, 7, 7] == numbers_of(tape, ETH, memory_bytes)


def numbers_of(tape: HandTape, symbol: str | None, memory_bytes: int) -> list[int]:
    ledger, segments, _ = tape.reading()
    (flush,) = ledger.day("bitvavo", "2026-11-22")
    segment = segments.open(flush, "book")
    span = at(3), at(8)
    tables = read_raw(segment, flush, ["price"], span, symbol, memory_bytes=memory_bytes)
    return [number for table in tables for number in table["event_number"].to_pylist()]


def test_the_exchange_is_the_last_column(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, delta(0, 0), delta(1, 0))
    assert "exchange" == make_schema("book").names[-1]
    rows = add_name(pa.table({"price": [1.0, 2.0]}), "exchange", "bitvavo")
    assert ["bitvavo", "bitvavo"] == rows["exchange"].to_pylist()
