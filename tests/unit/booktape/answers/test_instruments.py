from pathlib import Path

from booktape.answers.instruments import SCHEMA, find_instrument_flushes, read_instruments
from booktape.times import DAY_US
from tests.support.hand_tape import BTC, ETH, A, B, HandTape, instrument, ticker

DAY = DAY_US / 1e6


def statuses_of(tape: HandTape, date: str) -> list[tuple[str, str]]:
    ledger, segments, _ = tape.reading()
    table = read_instruments(segments, find_instrument_flushes(ledger, "bitvavo", date))
    assert SCHEMA.names == table.schema.names
    return [(row["symbol"], row["status"]) for row in table.to_pylist()]


def test_the_last_row_of_each_symbol_counts(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(B, instrument(9, BTC, "halted"), ticker(9))
    tape.write(A, instrument(1, ETH), instrument(1, BTC))
    tape.write(A, instrument(DAY, ETH, "delisted"))
    assert [(BTC, "halted"), (ETH, "trading")] == statuses_of(tape, "2026-11-22")
    assert [(BTC, "halted"), (ETH, "delisted")] == statuses_of(tape, "2026-12-31")
    assert [] == statuses_of(tape, "2026-11-21")
