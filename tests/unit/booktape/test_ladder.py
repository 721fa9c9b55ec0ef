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
    assert ours.find_mismatch(theirs) is None
    theirs.replace(*levels([("9", "1"), ("7", "1")], [("10", "1")]))
    assert ours.find_mismatch(theirs) == ("bid", 8.0)
    theirs.replace(*levels([("9", "1")], [("10", "2")]))
    assert ours.find_mismatch(theirs) == ("ask", 10.0)


def test_a_window_keeps_the_best_levels_and_names_the_others() -> None:
    ladder = Ladder()
    ladder.replace(*levels([("9", "1"), ("8", "1"), ("7", "1")], [("10", "1"), ("11", "1")]))
    assert ([7.0], []) == ladder.cut_to(2)
    assert ({9.0: 1.0, 8.0: 1.0}, {10.0: 1.0, 11.0: 1.0}) == (ladder.bids, ladder.asks)
    assert ([8.0], [11.0]) == ladder.cut_to(1)
    assert ([], []) == ladder.cut_to(1)
