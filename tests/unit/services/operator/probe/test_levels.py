from decimal import Decimal

import pytest

from services.operator.probe.levels import HISTORY_NS, DecimalBook, Level, Touch


def levels(*prices: int, size: int = 1) -> list[Level]:
    return [(Decimal(price), Decimal(size)) for price in prices]


def touch(bid: int, ask: int | None) -> Touch:
    return Decimal(bid), None if ask is None else Decimal(ask)


@pytest.fixture
def book() -> DecimalBook:
    book = DecimalBook()
    book.replace("bids", levels(9, 8, 7), full=3)
    book.replace("asks", levels(11, 12), full=3)
    return book


def test_a_side_that_came_full_has_an_edge(book: DecimalBook) -> None:
    assert {"bids": Decimal(7), "asks": None} == book.edges
    book.replace("asks", levels(11, 12, 13), full=3)
    assert Decimal(13) == book.edges["asks"]


def test_one_price_in_two_texts_is_one_level(book: DecimalBook) -> None:
    book.set_level("bids", Decimal("9.00"), Decimal("0.0"))
    assert levels(8, 7) == list(book.sides["bids"].items())


def test_the_touch_follows_the_levels(book: DecimalBook) -> None:
    assert touch(9, 11) == book.touch()
    book.set_level("bids", Decimal(10), Decimal(1))
    book.set_level("asks", Decimal(11), Decimal(0))
    assert touch(10, 12) == book.touch()
    book.set_level("asks", Decimal(12), Decimal(0))
    assert touch(10, None) == book.touch()
    book.set_level("asks", Decimal(20), Decimal(1))
    assert touch(10, 20) == book.touch()
    book.set_level("bids", Decimal(99), Decimal(0))
    assert touch(10, 20) == book.touch()


def test_the_touches_of_a_stretch_begin_with_the_one_before(book: DecimalBook) -> None:
    assert [] == book.touches_between(0, 100)
    for ts, price in ((10, 1), (20, 2), (30, 3), (40, 4)):
        book.set_level("bids", Decimal(price * 100), Decimal(1))
        book.note_touch(ts)
    book.note_touch(41)  # nothing new
    found = book.touches_between(25, 35)
    assert [200, 300] == [bid for bid, _ in found]
    assert [400] == [bid for bid, _ in book.touches_between(100, 200)]


def test_old_touches_are_forgotten_but_for_the_last(book: DecimalBook) -> None:
    for ts in range(5):
        book.set_level("bids", Decimal(100 + ts), Decimal(1))
        book.note_touch(ts)
    book.set_level("bids", Decimal(200), Decimal(1))
    book.note_touch(HISTORY_NS + 4)
    assert [3, 4, HISTORY_NS + 4] == [ts for ts, _ in book.touches]


def test_books_are_compared_inside_the_edges_of_both(book: DecimalBook) -> None:
    other = book.copy()
    other.set_level("bids", Decimal(5), Decimal(1))  # beyond the edge
    assert (5, []) == book.differences(other)
    other.set_level("bids", Decimal(8), Decimal(2))
    other.set_level("asks", Decimal(13), Decimal(1))
    compared, found = book.differences(other)
    assert (6, ["asks 13: None for 1", "bids 8: 1 for 2"]) == (compared, sorted(found))
    other.replace("asks", levels(11), full=1)
    assert ["bids 8: 1 for 2"] == book.differences(other)[1]


def test_a_copy_goes_its_own_way(book: DecimalBook) -> None:
    book.sequence = 7
    other = book.copy()
    book.set_level("bids", Decimal(9), Decimal(0))
    assert (7, levels(9, 8, 7)) == (other.sequence, list(other.sides["bids"].items()))
