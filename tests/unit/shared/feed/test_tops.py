"""The best levels of the books that somebody looks at."""

from shared.event import Snapshot
from shared.feed.books import Books
from shared.feed.rows import FeedRows
from shared.feed.tops import TOP_LEVELS, copy_tops

SYMBOLS = {"BTCEUR": "BTC-EUR", "ETHEUR": "ETH-EUR"}


def make_books() -> Books:
    books = Books(FeedRows(), lambda *_: None)
    for raw_symbol, symbol in SYMBOLS.items():
        books.add(raw_symbol, symbol)
    return books


def test_the_best_levels_are_copied_best_first() -> None:
    bids = [(float(price), 1.0) for price in range(1, 30)]
    asks = [(float(price), 2.0) for price in range(60, 30, -1)]
    books = make_books()
    books.replace(1, Snapshot("BTCEUR", bids, asks, sequence=7))
    tops = copy_tops(books, SYMBOLS, {"BTC-EUR", "ETH-EUR"})
    assert ["BTC-EUR"] == list(tops)  # the other one has no book
    top = tops["BTC-EUR"]
    assert 7 == top.sequence
    assert [(float(price), 1.0) for price in range(29, 29 - TOP_LEVELS, -1)] == top.bids
    assert [(float(price), 2.0) for price in range(31, 31 + TOP_LEVELS)] == top.asks


def test_what_nobody_looks_at_or_is_lost_is_not_copied() -> None:
    books = make_books()
    books.replace(1, Snapshot("BTCEUR", [(1.0, 1.0)], [], sequence=7))
    assert {} == copy_tops(books, SYMBOLS, frozenset())
    assert {} == copy_tops(books, SYMBOLS, {"ETH-EUR"})
    books.doubt("BTCEUR", "gap")
    assert {} == copy_tops(books, SYMBOLS, {"BTC-EUR"})
