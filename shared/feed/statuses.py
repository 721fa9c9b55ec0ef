"""Statuses: what a market that stands still, or trades again, means for its book."""

from shared.event import feed_event
from shared.feed.board import Board
from shared.feed.books import Books
from shared.feed.questions import Questions
from shared.feed.rows import FeedRows


class Statuses:
    """Ends and begins books by what the list of markets says; the recorder's thread owns it.

    While a market is halted its orders change and no change is sent, as Bitvavo's support pages
    say; nobody knows which number follows. So its book ends, and begins anew when it trades again.
    In an auction, and where orders can only be cancelled, changes may go on: they are recorded.
    """

    def __init__(self, board: Board, books: Books, rows: FeedRows, questions: Questions) -> None:
        """Start with nothing known; changes are on the board."""
        self._board = board
        self._books = books
        self._rows = rows
        self._questions = questions

    def take_all(self, ts: int, now_s: float, symbols: dict[str, str]) -> None:
        """Take the changes of the markets that are subscribed: our symbols by their raw ones."""
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
