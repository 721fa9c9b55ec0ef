from pathlib import Path

from booktape.books.coverage import find_coverage
from booktape.books.market import Market
from booktape.times import DAY_US
from tests.support.hand_tape import BTC, ETH, A, B, HandTape, at, feed, snapshot, ticker

DAY = DAY_US / 1e6


def coverage_of(market: Market, start: float, end: float) -> list[tuple[float, float, str | None]]:
    found = list(find_coverage(market, at(start), at(end)))
    assert [one.cause is None for one in found] == [one.is_whole for one in found]
    return [((f.start - at(0)) / 1e6, (f.end - at(0)) / 1e6, f.cause) for f in found]


def test_intervals_touch_and_a_gap_has_the_cause_of_what_ended_last(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), snapshot(3, 1), feed(6, "gap", BTC), snapshot(9, 3))
    tape.write(A, feed(12, "stale", BTC), ticker(20))
    market = tape.market()
    expected = [(0, 1, "unrecorded"), (1, 6, None), (6, 9, "gap"), (9, 12, None), (12, 30, "stale")]
    assert expected == coverage_of(market, 0, 30)
    assert [(7, 8, "gap")] == coverage_of(market, 7, 8)
    assert [] == coverage_of(market, 8, 8)


def test_neighbours_that_agree_are_one(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), feed(6, "gap", BTC), snapshot(6, 2), feed(8, "gap", BTC))
    tape.write(B, snapshot(5, 0), feed(7, "gap", BTC), ticker(20))
    assert [(1, 8, None), (8, 20, "gap")] == coverage_of(tape.market(), 1, 20)


def test_a_span_of_no_length_tells_the_cause_of_what_follows(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), feed(1, "mismatch", BTC), ticker(9))
    assert [(0, 1, "unrecorded"), (1, 5, "mismatch")] == coverage_of(tape.market(), 0, 5)


def test_a_cause_may_be_days_old(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0), feed(5, "session_end", reason="stopped", events=2))
    for day in range(1, 4):
        tape.write(B, snapshot(day * DAY, day, symbol=ETH))
    found = coverage_of(tape.market(), 3 * DAY, 3 * DAY + 9)
    assert [(3 * DAY, 3 * DAY + 9, "stopped")] == found
