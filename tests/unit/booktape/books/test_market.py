from pathlib import Path

import pytest

from booktape.books.market import Market
from booktape.times import DAY_US
from tests.support.hand_tape import (
    BTC,
    ETH,
    A,
    B,
    HandTape,
    at,
    checkpoint,
    delta,
    feed,
    snapshot,
    ticker,
)

DAY = DAY_US / 1e6


def spans_of(market: Market, start: float, end: float) -> list[tuple[float, float, str]]:
    found = market.find_spans(at(start), at(end))
    return [((s.start - at(0)) / 1e6, (s.end - at(0)) / 1e6, s.cause) for s in found]


def pieces_of(market: Market, start: float, end: float) -> list[tuple[float, float, str | None]]:
    return [
        ((p.start - at(0)) / 1e6, (p.end - at(0)) / 1e6, p.span.line if p.span else None)
        for p in market.stitch(at(start), at(end))
    ]


def test_two_lines_take_turns(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0), feed(10, "gap", BTC), snapshot(30, 2), ticker(60))
    tape.write(B, snapshot(5, 0), ticker(60))
    market = tape.market()
    assert [(0, 10, "a"), (10, 30, "b"), (30, 60, "a")] == pieces_of(market, 0, 60)
    assert "bitvavo:BTC-EUR" == market.name
    assert A == market.session(A).session


@pytest.mark.parametrize("far", [False, True])
def test_reading_begins_at_a_snapshot_before_the_range(tmp_path: Path, *, far: bool) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0), delta(1, 0))
    for minute in range(1, 30):
        tape.write(A, *([checkpoint(60 * minute, 0)] if minute == 10 else []), ticker(60 * minute))
    market = tape.market()
    market._ledger.is_far = far
    for start, begin in ((1200, 600), (300, 0)):
        ((found, end, _),) = spans_of(market, start, start + 100)
        assert begin == found
        assert end > start + 100


def test_a_checkpoint_behind_a_later_row_is_no_beginning(tmp_path: Path) -> None:
    """Its effective time is that of the row before, which must be known."""
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0), delta(50, 0))
    tape.write(A, checkpoint(40, 0), ticker(200))
    (span,) = tape.market().find_spans(at(100), at(110))
    assert (at(0), [at(0), at(50), at(50)]) == (span.start, [placed.ts for placed in span.runs])


def test_a_session_of_days_is_read_back_as_far_as_needed(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0))
    for day in range(1, 6):
        tape.write(A, ticker(day * DAY))
    last = (5 * DAY) + 0.000001
    assert [(0, last, "open")] == spans_of(tape.market(), 4 * DAY, 4 * DAY + 9)


def test_an_end_that_was_written_days_later_counts(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0))
    for day in range(1, 5):
        tape.write(B, snapshot(day * DAY, day, symbol=ETH))
    tape.write(A, feed(4 * DAY, "session_end", reason="killed", events=2))
    assert [(0, 0.000001, "killed")] == spans_of(tape.market(), 0, 10)


def test_without_a_list_of_symbols_the_next_row_is_looked_for(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0), feed(5, "disconnected"), ticker(6), version=1)
    for day in range(1, 4):
        tape.write(A, ticker(day * DAY), version=1)
    tape.write(A, delta(4 * DAY, 0), version=1)
    assert [(0, "open")] == [(s, c) for s, _, c in spans_of(tape.market(), 1, 2)]
    other = HandTape(tmp_path / "other")
    other.write(A, snapshot(0, 0), feed(5, "disconnected"), ticker(6), version=1)
    assert [(0, 5, "disconnected")] == spans_of(other.market(), 1, 2)


def test_missing_event_numbers_end_a_span(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0), ticker(3))
    tape.write(A, delta(10, 0), checkpoint(20, 0), ticker(30), first=9)
    expected = [(0, 3.000001, "open"), (20, 30.000001, "open")]
    assert expected == spans_of(tape.market(), 0, 60)


def test_a_flush_that_is_gone_ends_a_span(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    for second in (0, 10):
        tape.write(A, snapshot(second, 0))
    tape.write(A, delta(20, 0), checkpoint(30, 0))
    sorted(tmp_path.glob("tape/book/*/*/*"))[1].unlink()
    expected = [(0, 0.000001, "open"), (30, 30.000001, "open")]
    with pytest.warns(UserWarning, match="gone"):
        assert expected == spans_of(tape.market(), 0, 60)


def test_a_failed_poll_asks_the_first_flush_what_the_session_is(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, feed(0, "session_start", transport="rest"), snapshot(1, 1))
    for day in range(1, 4):
        tape.write(A, snapshot(day * DAY, day), feed(day * DAY + 5, "rate_limited"))
    found = spans_of(tape.market(), 3 * DAY, 3 * DAY + 9)
    assert [(3 * DAY, 3 * DAY + 5, "rate_limited")] == found


def test_the_span_that_ended_last_may_be_of_long_ago(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0), feed(5, "session_end", reason="stopped", events=2))
    for day in range(1, 5):
        tape.write(B, snapshot(day * DAY, day, symbol=ETH))
    last = tape.market().find_last_ended(at(4 * DAY + 9))
    assert last is not None
    assert (at(5), "stopped") == (last.end, last.cause)
    assert None is tape.market().find_last_ended(at(-1))
    assert None is tape.market("XRP-EUR").find_last_ended(at(4 * DAY))
