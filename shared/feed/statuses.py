"""Applies the statuses of markets to their books: a halt ends a book, trading begins it anew."""

from collections.abc import Callable

from shared.event import feed_event
from shared.feed.parts import Parts
from shared.feed.questions import Questions


class Statuses:
    """Ends and begins books by the list of markets; the recorder's thread owns it.

    The orders of a halted market change, but the exchange sends no changes, as Bitvavo's support
    pages say; nobody knows which number follows. So its book ends, and begins anew when the market
    trades again. In an auction, or while orders can only be cancelled, changes may go on: we record
    them, and audit the book.
    """

    def __init__(
        self, parts: Parts, questions: Questions, audit: Callable[[str, float], None]
    ) -> None:
        """Start without a status; new ones come by the board.

        `audit` is called with each raw symbol whose book goes on under another status.
        """
        self._board = parts.board
        self._books = parts.books
        self._rows = parts.rows
        self._questions = questions
        self._audit = audit

    def take_all(self, ts: int, now_s: float, symbols: dict[str, str]) -> None:
        """Apply the new statuses of followed markets; `symbols` maps raw symbols to ours."""
        for symbol in list(self._board.statuses):  # another thread adds to them
            status = self._board.statuses.pop(symbol)
            raw_symbol = self._board.names.raw_symbol(symbol)
            if raw_symbol not in symbols:
                continue
            note = self._board.idle.discard if status == "trading" else self._board.idle.add
            note(raw_symbol)
            is_known = self._books.find(raw_symbol) is not None
            if status == "halted" and is_known:
                stale = feed_event("stale", reason="the market is halted")
                self._rows.append((ts, symbol, stale))
                self._books.lose(raw_symbol)
            elif status == "trading" and is_known:
                self._books.doubt(raw_symbol, "trading")
            elif status == "trading":
                self._questions.wake(raw_symbol, now_s)
            elif is_known:
                self._audit(raw_symbol, now_s)
