from pathlib import Path

from booktape.export.crossings import Uncrossed, find_uncrossed
from booktape.export.days import Day
from booktape.opening import open_reading
from booktape.times import DAY_US
from tests.support.hand_tape import BTC, A, HandTape, at, delta, feed, snapshot

BOOK = ("bid", 99.0, 1.0), ("ask", 101.0, 3.0)
CROSS = ("bid", 102.0, 1.0)
GONE = ("bid", 102.0, 0.0)
DAY = DAY_US / 1e6


def find(tape: HandTape, date: str = "2026-11-22") -> list[Uncrossed]:
    return list(find_uncrossed(Day(open_reading(tape.root), f"bitvavo:{BTC}", date)))


def test_each_end_of_a_crossing_is_found_with_the_best_levels_then(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK), delta(2, 0, CROSS), feed(2, "crossed", BTC))
    tape.write(A, delta(3, 0, GONE), delta(4, 0, CROSS), delta(5, 0, ("ask", 101.0, 0.0)))
    tape.write(A, delta(6, 0, ("ask", 102.0, 1.0)), feed(7, "gap", BTC))
    tape.write(A, feed(60, "session_end", reason="stopped"))
    assert [
        Uncrossed(at(3), (99.0, 1.0), (101.0, 3.0)),
        Uncrossed(at(5), (102.0, 1.0), None),
        Uncrossed(at(7), None, None),
    ] == find(tape)


def test_where_no_row_tells_of_one_nothing_is_looked_for(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK), delta(2, 0, CROSS), delta(3, 0, GONE))
    tape.write(A, feed(3, "crossed", "ETH-EUR"), feed(60, "session_end", reason="stopped"))
    assert [] == find(tape)


def test_a_book_that_was_crossed_before_midnight_counts(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK))
    midnight = DAY / 2
    tape.write(A, delta(midnight - 9, 0, CROSS), feed(midnight - 9, "crossed", BTC))
    tape.write(A, delta(midnight + 3, 0, GONE), feed(midnight + 9, "session_end", reason="stopped"))
    assert [Uncrossed(at(midnight + 3), (99.0, 1.0), (101.0, 3.0))] == find(tape, "2026-11-23")
