import random
from pathlib import Path

import pytest

from booktape.books.market import Market
from booktape.books.stitch import find_legs, stitch
from booktape.replay.stream import ASK, BEGIN, BID, END, LEVEL, NO_NUMBER, NO_SIDE, TOUCH, Batch
from booktape.times import DAY_US
from tests.support.hand_tape import (
    BTC,
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

Row = tuple[object, ...]


def rows_of(market: Market, start: float, end: float) -> list[Row]:
    """Return second, action, side, price, size, session, number, effective second of each row."""
    stream = stitch(market, at(start), at(end))
    found: list[Row] = []
    for batch in stream.batches:
        for row in zip(*(column.to_pylist() for column in batch), strict=True):
            ts, action, side, price, size, session, number, effective = row
            name = stream.sessions[session][-1] if session >= 0 else None
            level = (price, size) if action == LEVEL else ()
            seconds = (ts - at(0)) / 1e6, (effective - at(0)) / 1e6
            found.append((seconds[0], action, side, *level, name, number, seconds[1]))
    return found


def test_a_snapshot_begins_and_its_levels_follow_at_the_same_instant(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, ("bid", 9.0, 1.0), ("ask", 10.0, 2.0)), delta(2, 0), ticker(5))
    assert [
        (0.0, END, NO_SIDE, None, NO_NUMBER, 0.0),
        (1.0, BEGIN, NO_SIDE, "a", 0, 1.0),
        (1.0, LEVEL, BID, 9.0, 1.0, "a", 0, 1.0),
        (1.0, LEVEL, ASK, 10.0, 2.0, "a", 0, 1.0),
        (2.0, TOUCH, NO_SIDE, "a", 1, 2.0),
        (5.000001, END, NO_SIDE, None, NO_NUMBER, 5.000001),
    ] == rows_of(tape.market(), 0, 9)


def test_what_is_needed_to_know_the_start_comes_first(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, ("bid", 9.0, 1.0)), checkpoint(3, 0, ("bid", 9.0, 1.0)))
    tape.write(A, delta(4, 0, ("bid", 8.0, 1.0)), delta(7, 0, ("bid", 7.0, 1.0)), ticker(9))
    rows = [row[:2] for row in rows_of(tape.market(), 5, 7)]
    assert [(3.0, BEGIN), (3.0, LEVEL), (4.0, LEVEL)] == rows
    assert (7.0, LEVEL) == rows_of(tape.market(), 5, 7.000001)[-1][:2]


def test_a_switch_brings_the_whole_book_and_how_old_it_is(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(B, snapshot(0, 0, ("bid", 1.0, 1.0)), delta(3, 0, ("ask", 2.0, 1.0)))
    tape.write(B, delta(8, 0, ("ask", 2.0, 0.0)), ticker(20))
    tape.write(A, snapshot(2, 0, ("bid", 5.0, 1.0)), feed(6, "gap", BTC))
    rows = rows_of(tape.market(), 4, 10)
    assert [
        (2.0, BEGIN, NO_SIDE, "a", 0, 2.0),
        (2.0, LEVEL, BID, 5.0, 1.0, "a", 0, 2.0),
        (6.0, BEGIN, NO_SIDE, "b", 0, 0.0),
        (6.0, LEVEL, BID, 1.0, 1.0, "b", 0, 0.0),
        (6.0, LEVEL, ASK, 2.0, 1.0, "b", 1, 3.0),
        (8.0, LEVEL, ASK, 2.0, 0.0, "b", 2, 8.0),
    ] == rows


def test_held_deltas_are_effective_with_their_snapshot(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(5, 0, ("bid", 1.0, 1.0)), delta(3, 0, ("bid", 2.0, 1.0)), ticker(9))
    assert [5.0, 5.0, 5.0] == [row[0] for row in rows_of(tape.market(), 5, 9)]


def test_deltas_of_another_epoch_are_left_out(tmp_path: Path) -> None:
    tape = HandTape(tmp_path, row_group_rows=1)
    deltas = [delta(n, n % 2, ("bid", float(n), 1.0)) for n in range(1, 7)]
    tape.write(A, snapshot(0, 0), *deltas, ticker(9))
    assert [2.0, 4.0, 6.0] == [r[3] for r in rows_of(tape.market(), 0, 9) if r[1] == LEVEL]


def test_a_book_goes_on_over_midnight(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0, ("bid", 1.0, 1.0)))
    tape.write(A, delta(DAY, 0, ("bid", 2.0, 1.0)), ticker(DAY + 9))
    rows = rows_of(tape.market(), 1, DAY + 1)
    midnight = DAY / 2
    assert [
        (0.0, BEGIN),
        (0.0, LEVEL),
        (midnight, BEGIN),
        (midnight, LEVEL),
        (DAY, LEVEL),
    ] == [row[:2] for row in rows]
    first, second = find_legs(tape.market(), at(1), at(DAY + 1))
    assert (False, True) == tuple(getattr(leg, "continues", None) for leg in (first, second))


def test_polled_books_are_one_leg_of_many_snapshots(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    polls = [snapshot(n, n, ("bid", float(n), 1.0)) for n in range(100)]
    tape.write(A, *polls[:50])
    tape.write(A, *polls[50:], ticker(100))
    market = tape.market()
    assert 1 == len(list(find_legs(market, at(0), at(100))))
    rows = rows_of(market, 0, 100)
    assert [BEGIN, LEVEL] * 100 == [row[1] for row in rows]
    assert [float(n) for n in range(100) for _ in "ab"] == [row[0] for row in rows]


def test_no_range_has_no_rows(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0))
    assert [] == rows_of(tape.market(), 5, 5)


def test_row_groups_change_nothing(tmp_path: Path) -> None:
    for seed in range(3):
        small = make_random_tape(tmp_path / f"small{seed}", seed, row_group_rows=2)
        large = make_random_tape(tmp_path / f"large{seed}", seed)
        assert rows_of(large.market(), 0, 150) == rows_of(small.market(), 0, 150)


def make_random_tape(root: Path, seed: int, *, row_group_rows: int = 1000) -> HandTape:
    """Write two lines with gaps, snapshots, checkpoints, ties and times that go back a little."""
    dice = random.Random(seed)
    tape = HandTape(root, row_group_rows=row_group_rows)
    for session in (A, B):
        book: dict[tuple[str, float], float] = {}
        epoch, number, second = 0, 0, 0.0
        for _ in range(6):
            events = []
            for _ in range(20):
                second += dice.choice([0, 0, 1, 1, 2, -0.5])
                choice = dice.random()
                level = (
                    dice.choice(["bid", "ask"]),
                    float(dice.randrange(9)),
                    dice.choice([0, 1.5]),
                )
                levels = [(side, price, size) for (side, price), size in book.items() if size]
                if choice < 0.1:
                    events.append(feed(second, dice.choice(["gap", "resync", "crossed"]), BTC))
                elif choice < 0.2:
                    epoch, book = number, {("bid", float(dice.randrange(9))): 2.5}
                    levels = [(side, price, size) for (side, price), size in book.items()]
                    events.append(snapshot(second, epoch, *levels))
                elif choice < 0.25:
                    events.append(checkpoint(second, epoch, *levels))
                else:
                    book[level[:2]] = level[2]
                    events.append(delta(second, epoch, level))
                number += 1
            tape.write(session, *events)
    return tape


@pytest.mark.parametrize("seed", range(8))
def test_a_stream_from_anywhere_leads_to_the_same_book(tmp_path: Path, seed: int) -> None:
    tape = make_random_tape(tmp_path, seed)
    market = tape.market()
    moments = sorted(random.Random(seed).randrange(at(0), at(140)) for _ in range(40))
    whole = fold_at(stitch(market, at(-5), at(150)).batches, moments)
    for moment, book in zip(moments, whole, strict=True):
        assert fold_at(stitch(market, moment, moment + 1).batches, [moment]) == [book]


def fold_at(batches: object, moments: list[int]) -> list[object]:
    """Return the book at each moment: its levels, and its last row's number and time."""
    rows = [
        row
        for batch in batches  # type: ignore[attr-defined]
        for row in zip(*(column.to_pylist() for column in batch), strict=True)
    ]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    found: list[object] = []
    for moment in moments:
        book: dict[tuple[int, float], float] | None = None
        last: tuple[int, int] | None = None
        for ts, action, side, price, size, _, number, effective in rows:
            if ts > moment:
                break
            if action == END:
                book = last = None
                continue
            if action == BEGIN:
                book = {}
            last = number, effective
            if action == LEVEL:
                assert book is not None
                book[side, price] = size
        levels = None if book is None else {key: size for key, size in book.items() if size}
        found.append((levels, last))
    return found


def test_batches_have_their_types(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, ("bid", 9.0, 1.0)), ticker(5))
    types = ["int64", "int8", "int8", "double", "double", "int32", "int64", "int64"]
    for batch in stitch(tape.market(), at(0), at(9)).batches:
        assert isinstance(batch, Batch)
        assert types == [str(column.type) for column in batch]
        assert [0] * 8 == [column.null_count for column in batch]
