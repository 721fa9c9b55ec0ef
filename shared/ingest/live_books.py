"""Writes live books to a file while somebody looks at them."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from booktape.keys import exchange_of, line_of
from shared.feed.board import Board
from shared.process.live_books import (
    SYMBOLS_MAX,
    Lease,
    LiveBook,
    LiveBooks,
    read_file,
    write_file,
)
from shared.process.state import StateFolder

NOBODY: frozenset[str] = frozenset()


class LiveBooksFile:
    """The file of one session's live books; the main thread owns it.

    The recorder's thread owns the books and copies their levels; the main thread writes the copies.
    """

    def __init__(self, folder: StateFolder, session: str, *, clock_ns: Callable[[], int]) -> None:
        """Start without a viewer; remove the file of an earlier session."""
        self._exchange, self._line = exchange_of(session), line_of(session)
        self._session = session
        self._lease = folder.lease(self._exchange)
        self._path = folder.live_books(self._exchange, self._line)
        _remove(self._path)
        self._clock_ns = clock_ns
        self._is_shown = False

    def look(self, boards: Sequence[Board]) -> None:
        """Request copies of the wanted books, and write the last copies; once a second."""
        ts = self._clock_ns()
        try:
            lease = read_file(self._lease, Lease)
            if lease is None or lease.until < ts:
                self._end(boards)
            else:
                self._show(boards, frozenset(lease.symbols[:SYMBOLS_MAX]), ts)
        except OSError:  # a full or broken disk, which the disk watch and the recorder report
            self._end(boards)

    def _show(self, boards: Sequence[Board], wanted: frozenset[str], ts: int) -> None:
        self._is_shown = True
        tops = {}
        symbols: set[str] = set()
        for board in boards:
            board.watched = wanted
            tops.update(board.feed.tops)
            symbols |= board.feed.live
        books = {
            symbol: LiveBook(top.sequence, top.bids, top.asks)
            for symbol, top in tops.items()
            if symbol in wanted
        }
        write_file(
            self._path,
            LiveBooks(ts, self._exchange, self._line, self._session, books, sorted(symbols)),
        )

    def _end(self, boards: Sequence[Board]) -> None:
        if self._is_shown:
            self._is_shown = False
            for board in boards:
                board.watched = NOBODY
            _remove(self._path)


def _remove(path: Path) -> None:
    with suppress(OSError):  # if the file stays, a reader sees its age
        path.unlink(missing_ok=True)
