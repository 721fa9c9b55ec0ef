from pathlib import Path

import pytest

from booktape.errors import TapeError, UnknownSymbol
from booktape.export.changes import BookBegin
from booktape.export.days import Day
from booktape.opening import open_reading
from booktape.times import DAY_US
from tests.support.hand_tape import BTC, A, B, HandTape, at, feed, snapshot, ticker, trade

DATE, MARKET = "2026-11-22", f"bitvavo:{BTC}"
DAY = DAY_US / 1e6
STOP = feed(60, "session_end", reason="stopped")


def day_of(tape: HandTape) -> Day:
    return Day(open_reading(tape.root), MARKET, DATE)


def test_a_day_knows_its_book_and_its_gaps(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), feed(5, "gap", BTC), snapshot(7, 2), STOP)
    day = day_of(tape)
    assert "bitvavo_BTC-EUR_2026-11-22" == day.name
    assert [(at(1), at(5)), (at(7), at(60))] == day.known
    assert [(at(5), at(7))] == day.find_gaps()
    assert isinstance(next(day.read_changes()), BookBegin)


def test_trades_are_those_that_were_received_on_the_day(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), trade(9, "list", event=-100.0), trade(10, "live", event=9.9))
    tape.write(A, trade(11, "timeless"), trade(12, "early", event=12.5), STOP)
    tape.write(B, trade(10.5, "live", event=9.9), feed(60, "session_end", reason="stopped"))
    tape.write(B.replace("22T", "23T"), trade(DAY, "next", event=DAY - 1))
    day = day_of(tape)
    assert ["list", "live", "timeless", "early"] == day.trades["trade_id"].to_pylist()
    assert ["live", "timeless", "early"] == day.live_trades["trade_id"].to_pylist()
    assert 0 == day.latency_us  # of one that took 0.1 s and one of a clock ahead


def test_a_trade_in_a_gap_or_of_one_is_not_live(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), feed(5, "gap", BTC), trade(6, "in", event=5.9))
    tape.write(A, snapshot(7, 3), trade(8, "of", event=6.5), trade(9, "live", event=8.5), STOP)
    day = day_of(tape)
    assert ["live"] == day.live_trades["trade_id"].to_pylist()
    assert 500_000 == day.latency_us


def test_without_trades_no_latency_is_known(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), STOP)
    day = day_of(tape)
    assert 0 == day.trades.num_rows == day.live_trades.num_rows
    assert day.latency_us is None


def test_a_day_that_is_not_over_or_not_there_is_refused(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), ticker(9))
    with pytest.raises(TapeError, match=f"2026-11-22 is not over: {A} may record more"):
        day_of(tape)
    with pytest.raises(TapeError, match="bitvavo has nothing of 2026-11-21: it has 2026-11-22 to"):
        Day(open_reading(tape.root), MARKET, "2026-11-21")
    with pytest.raises(UnknownSymbol, match="nearest: bitvavo:BTC-EUR"):
        Day(open_reading(tape.root), "bitvavo:BTC-EUX", DATE)
    tape.write(A, ticker(DAY))
    assert day_of(tape).known
