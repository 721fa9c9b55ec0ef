import math

import pytest

from booktape.ladder import Ladder
from tests.support.levels import levels


def test_padded_and_unpadded_text_of_one_price_is_one_level() -> None:
    book = Ladder()
    book.replace(*levels([("75516", "0.0235618")], []))
    book.apply(*levels([("75516.00", "0.10000000")], []))
    assert book.bids == {75516.0: 0.1}
    book.apply(*levels([("75516.0", "0.00000000")], []))
    assert book.bids == {}


def test_removing_a_level_that_is_not_there_does_nothing() -> None:
    book = Ladder()
    book.replace(*levels([("1", "1")], [("2", "1")]))
    book.apply(*levels([("0.5", "0")], [("3", "0")]))
    assert (book.bids, book.asks) == ({1.0: 1.0}, {2.0: 1.0})


def test_a_snapshot_discards_what_came_before() -> None:
    book = Ladder()
    book.replace(*levels([("1", "1")], [("2", "1")]))
    book.replace(*levels([("3", "1")], [("4", "1")]))
    assert (book.bids, book.asks) == ({3.0: 1.0}, {4.0: 1.0})


@pytest.mark.parametrize(
    ("bids", "asks", "crossing"),
    [
        ([("9", "1")], [], None),
        ([("10", "1")], [], (10.0, 10.0)),
        ([("11", "1")], [], (11.0, 10.0)),
        ([], [("7", "1")], (8.0, 7.0)),
        ([("11", "0")], [], None),
        ([("11", "1")], [("10", "0")], None),
        ([("8", "0")], [("7", "1")], None),
        ([("8", "0"), ("7", "1")], [("7", "1")], (7.0, 7.0)),
        ([], [("10", "0")], None),
    ],
)
def test_a_book_that_crosses_or_touches_is_found(
    bids: list[tuple[str, str]],
    asks: list[tuple[str, str]],
    crossing: tuple[float, float] | None,
) -> None:
    book = Ladder()
    book.replace(*levels([("8", "1")], [("10", "1"), ("12", "1")]))
    book.apply(*levels(bids, asks))
    assert crossing == book.find_crossing()


def test_a_crossing_is_found_after_the_touch_moved_away_and_back() -> None:
    book = Ladder()
    book.replace(*levels([("8", "1")], [("10", "1"), ("12", "1")]))
    book.apply(*levels([("11", "1")], [("10", "0")]))
    assert book.find_crossing() is None
    book.apply(*levels([], [("11", "1")]))
    assert book.find_crossing() == (11.0, 11.0)


def test_books_are_compared_only_within_the_depth_of_both() -> None:
    ours, theirs = Ladder(), Ladder()
    ours.replace(*levels([("9", "1"), ("8", "1")], [("10", "1"), ("11", "1")]))
    theirs.replace(*levels([("9", "1")], [("10", "1")]))
    assert (2, 0, None) == ours.compare(theirs)
    theirs.replace(*levels([("9", "1"), ("7", "1")], [("10", "1")]))
    assert (3, 1, ("bid", 8.0, 1.0, None)) == ours.compare(theirs)
    theirs.replace(*levels([("9", "1")], [("10", "2")]))
    assert (2, 1, ("ask", 10.0, 1.0, 2.0)) == ours.compare(theirs)
    theirs.replace(*levels([("9", "3"), ("8", "2")], [("10", "2")]))
    assert (3, 3, ("bid", 9.0, 1.0, 3.0)) == ours.compare(theirs)


def test_a_side_that_is_not_full_is_known_as_deep_as_it_goes() -> None:
    ours, theirs = Ladder(), Ladder()
    ours.replace(*levels([("9", "1")], [("10", "1"), ("11", "1")]), 2)
    theirs.replace(*levels([("9", "1"), ("5", "1")], [("10", "1"), ("11", "2")]), 3)
    assert (4, 2, ("bid", 5.0, None, 1.0)) == ours.compare(theirs)
    ours.apply(*levels([("5", "1")], [("11", "2"), ("12", "1")]))  # 12 lies behind our edge
    assert (4, 0, None) == ours.compare(theirs)


def test_sizes_may_differ_by_a_little_where_they_are_written_with_fewer_digits() -> None:
    ours, theirs = Ladder(), Ladder()
    ours.replace(*levels([("9", "0.123456789012")], [("10", "1")]))
    theirs.replace(*levels([("9", "0.12345679")], [("10", "1.1")]))
    assert 2 == ours.compare(theirs).differ
    assert (2, 1, ("ask", 10.0, 1.0, 1.1)) == ours.compare(theirs, 1e-8)


def test_the_edge_is_near_once_three_quarters_of_a_full_side_are_behind_the_best_price() -> None:
    book = Ladder()
    book.replace(*levels([(str(price), "1") for price in range(100, 92, -1)], []), 8)
    assert book.has_edge
    found = []
    for price in range(100, 93, -1):  # 95 is the sixth of eight
        found.append(book.is_near_edge)
        book.apply(*levels([(str(price), "0")], []))
    assert [False] * 6 + [True] == found
    book.replace(*levels([("9", "1")], [(str(price), "1") for price in range(10, 18)]), 8)
    found = []
    for price in range(10, 17):
        found.append(book.is_near_edge)
        book.apply(*levels([], [(str(price), "0")]))
    assert [False] * 6 + [True] == found
    book.replace(*levels([("9", "1")], []), 8)
    assert not book.has_edge


def test_the_touch_is_found_after_its_levels_are_gone() -> None:
    book = Ladder()
    book.replace(*levels([("9", "1"), ("8", "1")], [("10", "1"), ("11", "1")]))
    assert (9.0, 10.0) == book.find_touch()
    book.apply(*levels([("9", "0")], [("10", "0")]))
    assert (8.0, 11.0) == book.find_touch()
    book.apply(*levels([("8", "0")], [("11", "0")]))
    assert (-math.inf, math.inf) == book.find_touch()


def test_a_window_keeps_the_best_levels_and_names_the_others() -> None:
    ladder = Ladder()
    ladder.replace(*levels([("9", "1"), ("8", "1"), ("7", "1")], [("10", "1"), ("11", "1")]))
    assert ([7.0], []) == ladder.cut_to(2)
    assert ({9.0: 1.0, 8.0: 1.0}, {10.0: 1.0, 11.0: 1.0}) == (ladder.bids, ladder.asks)
    assert ([8.0], [11.0]) == ladder.cut_to(1)
    assert ([], []) == ladder.cut_to(1)
