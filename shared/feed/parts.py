"""Names the parts of one feed that the others work with."""

from typing import NamedTuple

from shared.exchange import Exchange
from shared.feed.board import Board
from shared.feed.books import Books
from shared.feed.counts import Counts
from shared.feed.rows import FeedRows


class Parts(NamedTuple):
    """A feed's exchange, its board, its books, its rows, its counts."""

    exchange: Exchange
    board: Board
    books: Books
    rows: FeedRows
    counts: Counts
