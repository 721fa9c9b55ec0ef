from pathlib import Path

import pytest

from booktape.answers.bar_scan import find_bar_losses, find_lives, find_trade_gaps, scan_bars
from booktape.answers.bars import Life, TradeGap
from booktape.answers.reading import Reading
from booktape.ledger import Ledger
from booktape.segments.opened import Segments
from booktape.store.folder import FolderStore
from tests.support.hand_tape import BTC, ETH, A, B, HandTape, at, feed, snapshot, ticker, trade
from tests.support.opened import rows_of

SECOND = 1_000_000


def reading_of(tape: HandTape) -> Reading:
    store = FolderStore(tape.root)
    return Reading(Ledger(store, "file:here"), Segments(store), memory_bytes=1 << 28)


def test_bars_have_each_trade_once_and_say_where_one_may_be_missing(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0), trade(1, "1", 5.0), trade(2, "2", 7.0), trade(2, "2", 7.0))
    gap = feed(6, "gap", BTC, channel="trades", last="2", first="9")
    tape.write(A, gap, trade(6, "9", 6.0), trade(9, "10", 6.5), ticker(12))
    reading = reading_of(tape)
    market = reading.make_market("bitvavo", BTC)
    scan = scan_bars(reading, market, (at(0), at(12)), every=4 * SECOND)
    rows = [(r["ts"], r["open"], r["close"], r["count"], r["is_whole"]) for r in rows_of(scan)]
    assert [(0.0, 5.0, 7.0, 2, False), (4.0, 6.0, 6.0, 1, False), (8.0, 6.5, 6.5, 1, True)] == rows
    assert 3 == scan.plan().objects
    assert 0 == scan_bars(reading, market, (at(1), at(1)), every=4 * SECOND).count()


def test_gaps_in_trades_are_those_of_the_symbol(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    gaps = [
        feed(1, "gap", BTC, channel="trades", last=5, first="9"),
        feed(2, "gap", BTC, channel="book"),
        feed(3, "gap", ETH, channel="trades"),
        feed(4, "stale", BTC, channel="trades"),
        feed(5, "gap", BTC, channel=7),
        feed(6, "gap", BTC, channel="trades"),
    ]
    tape.write(A, *gaps)
    reading = reading_of(tape)
    market = reading.make_market("bitvavo", BTC)
    expected = [TradeGap(A, 0, at(1), "5", "9"), TradeGap(A, 5, at(6), None, None)]
    assert expected == find_trade_gaps(reading, market, (at(0), at(9)))
    assert [] == find_trade_gaps(reading, market, (at(2), at(6)))


def test_a_session_lives_from_its_first_row_and_its_lists_reach_back(tmp_path: Path) -> None:
    day_s = 24 * 3600.0
    tape = HandTape(tmp_path)
    tape.write(B, snapshot(0, 0), ticker(5))
    tape.write(A, ticker(10))
    tape.write(A, trade(11, "4", event=8.5), trade(11, "5", event=9.0))
    tape.write(A, trade(20, "2", event=7.0), trade(20, "3", event=8.0), trade(30, "6"))
    tape.write(A, trade(day_s + 3700, "1", event=0.5))  # later than any list may reach
    reading = reading_of(tape)
    market = reading.make_market("bitvavo", BTC)
    lives = find_lives(reading, market, (at(0), at(99)))
    assert [Life(at(0), at(5), at(0)), Life(at(10), at(day_s + 3700), at(7))] == lives
    losses = find_bar_losses(reading, market, at(0), at(30))
    assert [(at(5), at(7))] == [loss for loss in losses if at(0) < loss[0] < at(30)]


def test_a_session_without_segments_never_lived(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, ticker(1))
    tape.write(B, snapshot(1, 0))
    next(tmp_path.glob("tape/book/*/*/*")).unlink()
    reading = reading_of(tape)
    market = reading.make_market("bitvavo", BTC)
    with pytest.warns(UserWarning, match="gone"):
        lives = find_lives(reading, market, (at(0), at(9)))
    assert [Life(at(1), at(1), at(1))] == lives
