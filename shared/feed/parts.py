"""The parts of one feed that others of it work with."""

from typing import NamedTuple

from shared.exchange import Exchange
from shared.feed.board import Board
from shared.feed.books import Books
from shared.feed.counts import Counts
from shared.feed.rows import FeedRows


class Parts(NamedTuple):
    """What a feed is of, where it says how it stands, its books, its rows, its counts."""

    exchange: Exchange
    board: Board
    books: Books
    rows: FeedRows
    counts: Counts
