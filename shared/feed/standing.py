"""Reports the standing of one feed's symbols: the live ones, the refused ones."""

from collections.abc import Mapping

from shared.exchange import BOOK
from shared.feed.board import Board, FeedView
from shared.feed.books import Books
from shared.feed.counts import Counts
from shared.feed.subscriptions import Subscriptions
from shared.feed.tops import copy_tops


class Standing:
    """Looks at the books and subscriptions of one feed; the recorder's thread owns it."""

    def __init__(self, board: Board, books: Books, subscriptions: Subscriptions) -> None:
        """Prepare to look; the board gets the result."""
        self._board = board
        self._books = books
        self._subscriptions = subscriptions

    def show(self, symbols: Mapping[str, str], messages: int, counts: Counts) -> None:
        """Put the standing of these symbols on the board; `symbols` maps raw symbols to ours."""
        live, refused = self._find_live(symbols), self._find_refused(symbols)
        tops = copy_tops(self._books, symbols, self._board.watched)
        self._board.feed = FeedView(live, refused, messages, counts.copy(), tops)

    def _find_live(self, symbols: Mapping[str, str]) -> frozenset[str]:
        """Return the symbols whose books are live; without books, the subscribed ones."""
        if BOOK in self._board.channels:
            return frozenset(self._books.live())
        stands = self._subscriptions.stands
        return frozenset(ours for raw_symbol, ours in symbols.items() if stands(raw_symbol))

    def _find_refused(self, symbols: Mapping[str, str]) -> frozenset[str]:
        """Return the refused symbols, which the feed requests again later."""
        refused = self._subscriptions.refused_symbols()
        return frozenset(ours for raw_symbol, ours in symbols.items() if raw_symbol in refused)
