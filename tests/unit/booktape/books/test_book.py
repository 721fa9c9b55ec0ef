from pathlib import Path

import pytest

import booktape
from booktape.books import memory
from booktape.books.book import Book, find_book, find_gap, replay
from booktape.errors import NotKnown
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


def levels_of(book: Book) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    bids, asks = (
        [(row["price"], row["size"]) for row in side.to_pylist()] for side in (book.bids, book.asks)
    )
    return bids, asks


def make(root: Path) -> HandTape:
    tape = HandTape(root)
    tape.write(
        A,
        snapshot(1, 0, ("bid", 9.0, 1.0), ("bid", 8.0, 1.0), ("ask", 10.0, 2.0), sequence=7),
        delta(2, 0, ("bid", 9.5, 1.0), ("bid", 8.0, 0.0), ("ask", 9.9, 4.0), sequence=8),
        delta(4, 0, sequence=9),
        feed(6, "gap", BTC, channel="book"),
        ticker(9),
    )
    return tape


def test_a_book_has_what_was_effective_up_to_the_moment(tmp_path: Path) -> None:
    market = make(tmp_path).market()
    book = find_book(market, at(2))
    assert ([(9.5, 1.0), (9.0, 1.0)], [(9.9, 4.0), (10.0, 2.0)]) == levels_of(book)
    assert ([(9.0, 1.0), (8.0, 1.0)], [(10.0, 2.0)]) == levels_of(find_book(market, at(2) - 1))
    assert ("bitvavo:BTC-EUR", A, 0, 1, 8, 0) == (
        book.market,
        book.session,
        book.epoch,
        book.event_number,
        book.sequence,
        book.age_us,
    )
    late = find_book(market, at(6) - 1)
    assert (2, 9, 1_999_999) == (late.event_number, late.sequence, late.age_us)
    assert (at(4), at(6) - 1) == tuple(
        round(moment.timestamp() * 1e6) for moment in (late.ts_recv, late.ts)
    )


def test_a_book_of_more_rows_than_are_kept_with_their_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "WIDE_ROWS_MAX", 1)  # the second flush is read in two steps
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, ("bid", 9.0, 1.0), ("ask", 10.0, 2.0)))
    tape.write(A, delta(2, 0, ("bid", 9.0, 3.0)), feed(6, "gap", BTC, channel="book"))
    assert ([(9.0, 3.0)], [(10.0, 2.0)]) == levels_of(find_book(tape.market(), at(3)))


def test_where_it_is_not_known_the_gap_says_why(tmp_path: Path) -> None:
    market = make(tmp_path).market()
    with pytest.raises(NotKnown, match=r"BTC-EUR is not known at 2026-11-22T12:00:06Z: gap since"):
        find_book(market, at(6))
    with pytest.raises(NotKnown, match=r"unrecorded$") as known:
        find_book(market, at(1) - 1)
    assert find_gap(market, at(1) - 1) == known.value.gap
    gap = find_gap(market, at(7))
    assert ("gap", '{"channel":"book"}') == (gap.cause, gap.detail)
    assert at(6) == round(gap.start.timestamp() * 1e6)


def test_an_empty_book_is_known(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0), ticker(9))
    book = find_book(tape.market(), at(5))
    assert ([], []) == levels_of(book)
    assert ["price", "size"] == book.bids.schema.names
    tape.write(A, snapshot(10, 2, ("ask", 1.0, 1.0)), ticker(19))
    assert ([], [(1.0, 1.0)]) == levels_of(find_book(tape.market(), at(15)))


def test_a_replay_yields_each_change_of_any_level_and_each_gap(tmp_path: Path) -> None:
    tape = make(tmp_path)
    tape.write(B, snapshot(5, 0, ("bid", 1.0, 1.0)), ticker(7))
    tape.write(B, checkpoint(8, 0, ("bid", 1.0, 1.0)), delta(8, 0, ("bid", 0.5, 0.0)), ticker(20))
    found = [
        (round(ts.timestamp() * 1e6), None if isinstance(one, booktape.Gap) else levels_of(one)[0])
        for ts, one in replay(tape.market(), at(0), at(30))
    ]
    assert [
        (at(0), None),
        (at(1), [(9.0, 1.0), (8.0, 1.0)]),
        (at(2), [(9.5, 1.0), (9.0, 1.0)]),
        (at(6), [(1.0, 1.0)]),
        (at(20) + 1, None),
    ] == found


def test_a_replay_begins_with_what_is_known_at_its_start(tmp_path: Path) -> None:
    ((ts, book),) = replay(make(tmp_path).market(), at(3), at(5))
    assert isinstance(book, Book)
    assert (at(3), 1_000_000) == (round(ts.timestamp() * 1e6), book.age_us)
    assert (book.ts, 1, 8) == (ts, book.event_number, book.sequence)


def test_a_replay_and_a_look_agree(tmp_path: Path) -> None:
    market = make(tmp_path).market()
    for ts, book in replay(market, at(1), at(6)):
        assert isinstance(book, Book)
        assert levels_of(book) == levels_of(find_book(market, round(ts.timestamp() * 1e6)))
