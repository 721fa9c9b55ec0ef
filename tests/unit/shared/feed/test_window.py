"""What a delta pushes out of a book's window."""

from booktape.ladder import Ladder
from shared.event import Delta
from shared.feed.window import narrow

DELTA = Delta("BTC-EUR", bids=[(100.0, 1.0)], asks=[], sequence=7)


def make_book(bids: int, asks: int) -> Ladder:
    """Return a book with so many levels a side, the best ones at 100 and 101."""
    book = Ladder()
    book.replace([(100.0 - i, 1.0) for i in range(bids)], [(101.0 + i, 1.0) for i in range(asks)])
    return book


def test_a_book_within_its_window_leaves_the_delta_as_it_is() -> None:
    assert narrow(make_book(2, 2), DELTA, 2) is DELTA


def test_levels_beyond_the_window_leave_book_and_tape() -> None:
    book = make_book(3, 4)
    narrowed = narrow(book, DELTA, 2)
    assert [(100.0, 1.0), (98.0, 0.0)] == narrowed.bids
    assert [(103.0, 0.0), (104.0, 0.0)] == sorted(narrowed.asks)
    assert ({100.0, 99.0}, {101.0, 102.0}) == (set(book.bids), set(book.asks))
    assert 7 == narrowed.sequence
