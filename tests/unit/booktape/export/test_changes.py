from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from booktape.export.changes import BookBegin, BookChanges, BookEnd, read_changes
from tests.support.hand_tape import BTC, A, B, HandTape, at, checkpoint, delta, feed, snapshot

BOOK = ("bid", 99.0, 1.0), ("bid", 98.0, 2.0), ("ask", 101.0, 3.0)


def seconds(ts: int) -> float:
    return (ts - at(0)) / 1e6


def read(tape: HandTape, start: float = 0, end: float = 60) -> list[tuple[Any, ...]]:
    """Return what is handed out, one line an item."""
    found: list[tuple[Any, ...]] = []
    for item in read_changes(tape.market(BTC), at(start), at(end)):
        match item:
            case BookBegin(ts, _, _, bids, asks):
                sides = (
                    list(zip(*map(pa.Array.to_pylist, own), strict=True)) for own in (bids, asks)
                )
                found.append(("begin", seconds(ts), *sides))
            case BookEnd(ts):
                found.append(("end", seconds(ts)))
            case BookChanges():
                rows = (item.ts, item.message, item.side, item.price, item.size)
                values = zip(*(column.to_pylist() for column in rows), strict=True)
                found.append(("changes", [(seconds(ts), *rest) for ts, *rest in values]))
    return found


def test_a_book_begins_changes_and_ends(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK), delta(2, 0, ("bid", 99.0, 0.0), ("ask", 100.5, 1.0)))
    tape.write(A, delta(3, 0), delta(4, 0, ("bid", 98.0, 1.0)), feed(5, "gap", BTC))
    tape.write(A, snapshot(7, 5, BOOK[0]))
    last = (4.0, 3, "bid", 98.0, 1.0)
    assert [
        ("begin", 1.0, [(99.0, 1.0), (98.0, 2.0)], [(101.0, 3.0)]),
        ("changes", [(2.0, 1, "bid", 99.0, 0.0), (2.0, 1, "ask", 100.5, 1.0), last]),
        ("end", 5.0),
        ("begin", 7.0, [(99.0, 1.0)], []),
        ("end", 7.000001),
    ] == read(tape)


def test_a_day_that_begins_in_a_book_begins_with_it(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK), delta(2, 0, ("bid", 99.0, 0.0)))
    tape.write(A, delta(30, 0, ("bid", 97.0, 1.0)))
    begin, changes, _ = read(tape, 10)
    assert ("begin", 10.0, [(98.0, 2.0)], [(101.0, 3.0)]) == begin
    assert ("changes", [(30.0, 2, "bid", 97.0, 1.0)]) == changes


def test_an_audit_is_what_differs_and_a_checkpoint_nothing(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK), checkpoint(2, 0, *BOOK), snapshot(3, 2, *BOOK))
    other = ("bid", 99.0, 1.5), ("ask", 101.0, 3.0), ("ask", 102.0, 1.0)
    tape.write(A, snapshot(4, 3, *other), snapshot(5, 4))
    begin, audit, nothing, _ = read(tape)
    assert ("begin", 1.0) == begin[:2]
    assert [
        (4.0, 3, "bid", 98.0, 0.0),
        (4.0, 3, "bid", 99.0, 1.5),
        (4.0, 3, "ask", 102.0, 1.0),
    ] == audit[1]
    assert {(99.0, 0.0), (101.0, 0.0), (102.0, 0.0)} == {row[3:] for row in nothing[1]}


def test_a_switch_to_another_session_is_what_differs(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(B, snapshot(1, 0, *BOOK), delta(2, 0, ("bid", 97.0, 4.0)), delta(20, 0))
    tape.write(A, snapshot(3, 0, *BOOK), feed(9, "session_end", reason="stopped"))
    begin, first, switched, back, _ = read(tape)
    assert ("begin", 1.0) == begin[:2]
    assert [(9.0, 1, "bid", 97.0, 4.0)] == back[1]
    assert [(2.0, 1, "bid", 97.0, 4.0)] == first[1]
    assert [(3.0, 0, "bid", 97.0, 0.0)] == switched[1][:1]


@pytest.mark.parametrize("rows", [1, 3, 65_536])
def test_no_message_goes_on_in_the_next_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr("booktape.export.changes.ROWS_AT_ONCE", rows)
    tape = HandTape(tmp_path, row_group_rows=2)
    levels = [("ask", 100.0 + price, 1.0) for price in range(5)]
    tape.write(A, snapshot(1, 0, *levels), delta(2, 0, *levels), delta(3, 0, BOOK[0]))
    (begin, *changes, _) = read(tape)
    assert 5 == len(begin[3])
    assert [1] * 5 + [2] == [row[1] for _, rows in changes for row in rows]
    assert [{1}, {2}] == [{row[1] for row in rows} for _, rows in changes] or 1 == len(changes)
