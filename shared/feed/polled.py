"""The polled feed records books requested over REST: each is an epoch of its own."""

from collections.abc import Iterator

from msgspec.structs import replace

from booktape.errors import BooktapeError
from shared.errors import ConnectionLost, MalformedMessage, RateLimited
from shared.event import Kind, Row, Snapshot, feed_event
from shared.exchange import BOOK, Exchange
from shared.feed.board import Board, FeedView
from shared.feed.books import Books, Reason
from shared.feed.counts import Counts
from shared.feed.rows import FeedRows
from shared.feed.tops import copy_tops


class PolledFeed:
    """Turns answers and refusals into rows; the recorder's thread owns it."""

    def __init__(
        self, exchange: Exchange, board: Board, *, url: str, connections: Iterator[int]
    ) -> None:
        """Prepare for the symbols that the board wants, requested at `url`.

        The time between two outages counts as a connection; `connections` numbers those of the
        session.
        """
        self._exchange = exchange
        self._board = board
        self._url = url
        self._rows = FeedRows()
        self._books = Books(self._rows, _ignore)
        self._symbols: dict[str, str] = {}  # raw symbol -> ours
        self._followed: tuple[object, ...] = ()  # the wanted symbols and their names
        self._refused: set[str] = set()  # our symbols
        self._polls = 0
        self._counts = Counts()
        self._is_limited = False
        self._connections = connections
        self._connection = 0

    def receive(
        self, ts: int, now_s: float, raw_symbol: str, outcome: Snapshot | BooktapeError
    ) -> list[Row]:
        """Return the rows of the outcome of one book's request."""
        self._follow()
        if raw_symbol in self._symbols:  # else the symbol was left while its request was open
            match outcome:
                case Snapshot():
                    self._succeed(ts, outcome)
                case ConnectionLost():
                    self._disconnect(ts, now_s, str(outcome))
                case RateLimited():
                    self._limit(ts, raw_symbol, str(outcome))
                case MalformedMessage():
                    self._books.doubt(raw_symbol, "unknown")
                    outcome.channel = BOOK
                    self._counts.note_malformed(outcome)
                    self._row(ts, "malformed", self._symbols[raw_symbol], **outcome.facts)
                case _:
                    self._refuse(ts, raw_symbol, str(outcome))
        return self._rows.take()

    def end(self, ts: int) -> list[Row]:
        """Record the end of the connection: the polls stop."""
        if self._board.link.is_connected:
            self._link(is_connected=False)
            self._disconnected(ts, "stopped")
        return self._rows.take()

    def show(self) -> None:
        """Put the state of the books on the board."""
        live, refused = frozenset(self._books.live()), frozenset(self._refused)
        tops = copy_tops(self._books, self._symbols, self._board.watched)
        counts = self._counts.copy()
        self._board.feed = FeedView(live, refused, self._polls, counts, tops=tops)

    def _follow(self) -> None:
        wanted, names = self._board.wanted, self._board.names
        if self._followed == (wanted, names.listed):
            return
        self._followed = wanted, names.listed
        symbols = names.raw_symbols(wanted)
        for raw_symbol in self._symbols.keys() - symbols.keys():
            self._books.remove(raw_symbol)
            self._refused.discard(self._symbols[raw_symbol])
        for raw_symbol in symbols.keys() - self._symbols.keys():
            self._books.add(raw_symbol, symbols[raw_symbol])
        self._symbols = symbols

    def _succeed(self, ts: int, snapshot: Snapshot) -> None:
        self._polls += 1
        self._counts.note_read(snapshot)
        self._refused.discard(self._symbols[snapshot.raw_symbol])
        link = self._board.link
        if not link.is_connected:
            self._connection = next(self._connections)
            self._row(ts, "connected", None, connection=self._connection, url=self._url)
        if not link.is_connected or link.error:
            self._link(is_connected=True, down_since_s=None, error="")
        self._is_limited = False
        self._books.replace(ts, snapshot)

    def _disconnect(self, ts: int, now_s: float, reason: str) -> None:
        link = self._board.link
        if link.is_connected:
            again = link.reconnects + 1
            self._link(is_connected=False, down_since_s=now_s, reconnects=again)
            self._disconnected(ts, reason)
        for each in self._symbols:
            self._books.doubt(each, "unknown")
        self._link(error=reason)

    def _disconnected(self, ts: int, reason: str) -> None:
        """Record an outage and the books that end with it: the next answers begin new ones."""
        symbols = sorted(self._books.live())
        facts = {"connection": self._connection, "reason": reason, "symbols": symbols}
        self._row(ts, "disconnected", None, **facts)

    def _limit(self, ts: int, raw_symbol: str, reason: str) -> None:
        self._lose(raw_symbol, reason)
        if not self._is_limited:  # once until the next answer
            self._row(ts, "rate_limited", None, reason=reason)
        self._is_limited = True

    def _refuse(self, ts: int, raw_symbol: str, reason: str) -> None:
        self._books.doubt(raw_symbol, "unknown")
        symbol = self._symbols[raw_symbol]
        if symbol not in self._refused:
            self._row(ts, "subscription_refused", symbol, reason=reason)
        self._refused.add(symbol)

    def _lose(self, raw_symbol: str, reason: str) -> None:
        self._books.doubt(raw_symbol, "unknown")
        self._link(error=reason)

    def _link(self, **changes: object) -> None:
        self._board.link = replace(self._board.link, **changes)

    def _row(self, ts: int, kind: Kind, symbol: str | None, **detail: object) -> None:
        self._rows.append((ts, symbol, feed_event(kind, **detail)))


def _ignore(_raw_symbol: str, _reason: Reason) -> None:
    """Request nothing: the next poll brings a new snapshot anyhow."""
