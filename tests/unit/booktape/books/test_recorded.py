from pathlib import Path

import pytest

from booktape.books import memory as memory_module
from booktape.books.recorded import Recorded
from booktape.times import DAY_US
from tests.support.hand_tape import (
    BTC,
    ETH,
    A,
    HandTape,
    at,
    delta,
    feed,
    snapshot,
    ticker,
    trade,
)

DAY = DAY_US / 1e6


def session_of(tape: HandTape, *, days: tuple[int, int] = (0, 0), far: bool = False) -> Recorded:
    ledger, _, sessions = tape.reading()
    ledger.is_far = far
    (found,) = sessions.find("bitvavo", at(days[0] * DAY), at(days[1] * DAY))
    return found


def of_minutes(root: Path, count: int = 40) -> HandTape:
    tape = HandTape(root)
    for minute in range(count):
        tape.write(A, snapshot(60 * minute, minute), ticker(60 * minute + 50))
    return tape


@pytest.mark.parametrize("far", [False, True])
def test_flushes_are_found_by_time(tmp_path: Path, *, far: bool) -> None:
    session = session_of(of_minutes(tmp_path), far=far)
    assert [0, 0, 1, 39, 40] == [session.find_first(at(s)) for s in (-9, 50, 51, 2390, 2391)]
    assert [0, 1, 1, 40] == [session.find_end(at(s)) for s in (0, 1, 60, 9999)]
    assert at(50 + 60 * 9) == session.latest_before(10)
    assert 0 == session.latest_before(0)
    assert 40 == len(session.flushes())


def test_where_clocks_go_back_each_flush_is_looked_at(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    for begin in (0, 100, 30, 130):
        tape.write(A, snapshot(begin, begin), ticker(begin + 20))
    session = session_of(tape)
    assert (1, 3) == (session.find_first(at(40)), session.find_end(at(40)))
    assert at(120) == session.latest_before(3)


def test_other_dates_are_looked_at_when_they_are_needed(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    for day in range(6):
        tape.write(A if day not in {1, 4} else A.replace("-a", "-b"), snapshot(DAY * day, day))
    ledger, segments, _ = tape.reading()
    session = Recorded(ledger, segments, "bitvavo", A)
    session.list_dates(3, 4)
    assert [2] == [key.first for key in session.keys]
    assert (True, False) == (session.look_ahead(), session.look_ahead())
    assert [True, True, False] == [session.look_back() for _ in range(3)]
    assert [0, 1, 2, 3] == [key.first for key in session.keys]
    assert 2 == session.place_of(2)


def test_the_latest_row_is_of_any_table_but_not_what_others_wrote(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, feed(0, "session_start"), snapshot(1, 1), ticker(5), trade(7, "t"))
    tape.write(A, delta(8, 1), feed(9, "audit", BTC), feed(900, "journal_hole"), ticker(8.5))
    tape.write(A, feed(9000, "session_end", reason="killed", events=9))
    session = session_of(tape)
    latest = [session.latest(0, number) for number in (1, 3, 4, 5, 6, 7, 8, 9)]
    assert [at(s) for s in (0, 5, 7, 8, 9, 9, 9, 9)] == latest
    assert at(9) == session.find_last_moment()


def test_the_latest_row_is_not_before_the_clock_went_back(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(100, 0), ticker(101), feed(50, "clock_step", step_s=-60.0), ticker(52))
    tape.write(A, ticker(60), feed(61, "clock_step", step_s=9.0))
    session = session_of(tape)
    assert [at(101), at(50), at(52), at(60)] == [session.latest(0, n) for n in (2, 3, 4, 5)]


def test_a_flush_that_is_gone_has_no_latest_row(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0))
    tape.write(A, ticker(2))
    next(tmp_path.glob("tape/ticker/*/*/*")).unlink()
    session = session_of(tape)
    with pytest.warns(UserWarning, match="gone"):
        assert at(1) == session.latest(0, 9)
    assert [] == session.rows(1, BTC)
    assert [] == session.runs(1, BTC)


@pytest.mark.parametrize(("reason", "second"), [("stopped", 30), ("killed", 1)])
def test_a_session_lived_until_it_was_stopped_or_its_last_row(
    tmp_path: Path, reason: str, second: int
) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), feed(30, "session_end", reason=reason, events=2))
    session = session_of(tape)
    assert at(second) == session.find_last_moment()
    end = session.find_end_row()
    assert end is not None
    assert 1 == end.number


def test_an_open_session_lives_until_its_last_row(tmp_path: Path) -> None:
    session = session_of(of_minutes(tmp_path, 2))
    assert None is session.find_end_row()
    assert at(110) == session.find_last_moment()


@pytest.mark.parametrize("transport", ["rest", "websocket"])
def test_a_session_tells_at_its_start_whether_it_polls(tmp_path: Path, transport: str) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, feed(0, "session_start", transport=transport), snapshot(1, 1))
    for day in range(1, 4):
        tape.write(A, snapshot(day * DAY, 1 + day))
    session = session_of(tape, days=(3, 3))
    assert (transport == "rest") is session.is_polled() is session.is_polled()


def test_rows_of_the_feed_are_of_the_symbol_or_of_all(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(
        A, feed(0, "gap", ETH), feed(1, "gap", BTC), feed(2, "disconnected"), feed(3, "audit")
    )
    session = session_of(tape)
    assert [1, 2] == [row.number for row in session.rows(0, BTC)]
    assert [2] == [row.number for row in session.rows(0, None)]
    assert [2] == [row.number for row in session.rows(0, "XRP-EUR")]


def test_columns_of_rows_are_read_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0, ("bid", 1.0, 2.0), ("ask", 3.0, 4.0)), delta(1, 0))
    tape.write(A, delta(2, 0, ("bid", 1.0, 9.0)))
    session = session_of(tape)
    monkeypatch.setattr(memory_module, "RUNS_REMEMBERED_MAX", 1)
    monkeypatch.setattr(memory_module, "ROWS_REMEMBERED_MAX", 2)
    columns = ("event_number", "price")
    for _ in range(2):
        ((offset, rows),) = session.read(BTC, columns, first=0, begin=0, end=3)
        assert (0, [0, 0, 1]) == (offset, rows["event_number"].to_pylist())
        assert [1.0, 3.0, None] == rows["price"].to_pylist()
        ((_, rows),) = session.read(BTC, columns, first=2, begin=0, end=1)
        assert [2] == rows["event_number"].to_pylist()
    assert [] == list(session.read(BTC, columns, first=2, begin=1, end=5))


@pytest.mark.parametrize("group_rows", [1 << 20, 3])
def test_all_symbols_are_read_together_as_each_alone(tmp_path: Path, group_rows: int) -> None:
    tape = HandTape(tmp_path, row_group_rows=group_rows)
    levels = [("bid", float(price), 1.0) for price in range(1, 6)]
    more = [snapshot(1, n, *levels, symbol=s) for n, s in enumerate(("ADA-EUR", BTC, ETH))]
    tape.write(A, *more, delta(2, 1), feed(3, "gap", BTC), delta(4, 1, *levels[:2]), delta(5, 2))
    tape.write(A, ticker(9))
    alone, together = session_of(tape), session_of(tape)
    together.is_for_all = True
    columns = ("event_number", "price")
    for symbol in ("ADA-EUR", BTC, ETH, "XRP-EUR"):
        for place in (0, 1):
            runs = alone.runs(place, symbol)
            assert runs == together.runs(place, symbol)
        for run in alone.runs(0, symbol):
            span = {"first": 0, "begin": run.begin, "end": run.end}
            one, other = (
                [
                    (offset, rows.to_pydict())
                    for offset, rows in session.read(symbol, columns, **span)
                ]
                for session in (alone, together)
            )
            assert one == other
    assert 4 == len(alone.runs(0, BTC))


def test_what_is_remembered_of_all_symbols_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "RUNS_REMEMBERED_MAX", 1)
    session = session_of(of_minutes(tmp_path, 3))
    session.is_for_all = True
    assert [1, 1, 1, 1] == [len(session.runs(place, BTC)) for place in (0, 1, 2, 0)]
