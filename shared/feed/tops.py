"""Copies the tops of books, their best levels, while somebody looks at them."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from heapq import nlargest, nsmallest
from typing import Final

from shared.feed.board import BookTop
from shared.feed.books import Books

TOP_LEVELS: Final = 10  # a side


def copy_tops(
    books: Books, symbols: Mapping[str, str], watched: AbstractSet[str]
) -> dict[str, BookTop]:
    """Return the tops of the watched live symbols; `symbols` maps raw symbols to ours."""
    tops = {}
    for raw_symbol, symbol in symbols.items() if watched else ():
        book = books.find(raw_symbol) if symbol in watched else None
        if book is not None:
            tops[symbol] = BookTop(
                books.last(raw_symbol),
                nlargest(TOP_LEVELS, book.bids.items()),
                nsmallest(TOP_LEVELS, book.asks.items()),
            )
    return tops
