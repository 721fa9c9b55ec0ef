"""Organises the auditing of one connection's books: turns, audits, tickers, crossings."""

from collections import deque
from collections.abc import Callable
from typing import Final

from shared.event import Refused, Snapshot, Ticker
from shared.exchange import BOOK, Cost
from shared.feed.audit_rows import Cause
from shared.feed.audits import Audits
from shared.feed.bounds import Bounds
from shared.feed.checkpoints import Checkpoints
from shared.feed.parts import Parts
from shared.feed.patience import Patience
from shared.feed.peers import Peers
from shared.feed.rest_audits import RestAudits
from shared.feed.touches import Touches

CHECKPOINT_INTERVAL_S: Final = 0.05  # between two books, in the round after a set-back clock


class Auditing:
    """Writes each book whole by turns, and compares it with the exchange's book and tickers.

    Where snapshots are requested over the socket, so are audits, and their answers are written.
    Elsewhere audits go over REST. The recorder's thread owns it.
    """

    def __init__(
        self,
        parts: Parts,
        peers: Peers,
        spend: Callable[[Cost], float],
        checkpoint_interval_s: float,
    ) -> None:
        """Start with no book; `peers` belong to the whole ingest."""
        exchange, board, books, rows, counts = parts
        self._board = board
        self._books = books
        self._checkpoints = Checkpoints(checkpoint_interval_s)
        self._quotes = peers.quotes
        self._touches = Touches(books, self._doubt, counts, board.idle)
        self._crossings = Patience()
        self._bounds = Bounds(books, rows)
        self._symbols: dict[str, str] = {}
        self._now_s = 0.0
        self._all_wanted = board.checkpoints_wanted
        self._all: deque[str] = deque()  # books to write whole, one after the other
        self._all_due_s = 0.0
        books.on_crossed(self._note_crossed)
        quotes, audited = self._touches.take_quotes, self._note_audit
        self._audits: Audits | RestAudits = (
            Audits(parts, budgets=peers.budgets, spend=spend, quotes=quotes, audited=audited)
            if exchange.snapshot_by == "message"
            else RestAudits(parts, quotes=quotes, audited=audited)
        )

    def follow(self, symbols: dict[str, str]) -> None:
        """Look after these symbols: raw symbol -> ours."""
        if BOOK not in self._board.channels:
            return
        for raw_symbol in self._symbols.keys() - symbols.keys():
            self._touches.drop(raw_symbol)
        self._symbols = symbols
        self._quotes.follow(symbols, self._touches.judge)
        self._audits.follow(symbols)

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self.follow({})
        self._touches.clear()
        self._all.clear()

    def carry(self, ts: int, ticker: Ticker) -> None:
        """Give a ticker to the feed that keeps its book; that feed judges it."""
        self._quotes.carry(ts, ticker)

    def look(self, ts: int, now_s: float) -> None:
        """Do the chores that send the exchange no message."""
        self._now_s = now_s
        self._bounds.look(ts, now_s, self._symbols)
        if raw_symbol := self._checkpoints.due(self._symbols, now_s):
            self._audits.take_turn(ts, raw_symbol, now_s)
        self._write_all(ts, now_s)
        self._touches.look(ts, now_s)
        self._audits.look(ts, now_s)

    def note_status(self, raw_symbol: str, now_s: float) -> None:
        """Want an audit of a book that goes on though its market no longer trades normally."""
        self._audits.want(raw_symbol, "status", now_s)

    def ask(self, now_s: float) -> list[str]:
        """Return the messages that request audits now; due snapshots come first."""
        return self._audits.ask(now_s)

    def is_asked(self, raw_symbol: str) -> bool:
        """Return whether an incoming snapshot answers an audit."""
        return self._audits.is_asked(raw_symbol)

    def answer_audit(self, ts: int, snapshot: Snapshot, now_s: float) -> None:
        """Take the answer to an audit."""
        self._audits.answer_audit(ts, snapshot, now_s)

    def refuse(self, ts: int, notice: Refused, now_s: float) -> bool:
        """Take note of a refusal; return whether it refuses an audit."""
        return self._audits.refuse(ts, notice, now_s)

    def _write_all(self, ts: int, now_s: float) -> None:
        """Write every book whole, a few at a time, once the board wants that.

        The row with the reason comes first: it is recorded between two looks.
        """
        while self._all and now_s >= self._all_due_s:
            self._books.checkpoint(ts, self._all.popleft())
            self._all_due_s = max(self._all_due_s, now_s - 1.0) + CHECKPOINT_INTERVAL_S
        if self._all_wanted != self._board.checkpoints_wanted:
            self._all_wanted = self._board.checkpoints_wanted
            self._all = deque(self._symbols)
            self._all_due_s = now_s + CHECKPOINT_INTERVAL_S

    def _doubt(self, raw_symbol: str) -> None:
        """Want an audit of a book that tickers disagree with."""
        self._audits.want(raw_symbol, "ticker", self._now_s)

    def _note_crossed(self, raw_symbol: str) -> None:
        """Want an audit of a crossed book: ours is wrong only if the exchange's is not crossed."""
        if self._crossings.take(raw_symbol, self._now_s):
            self._audits.want(raw_symbol, "crossed", self._now_s)

    def _note_audit(self, raw_symbol: str, cause: Cause, has_agreed: bool) -> None:  # noqa: FBT001
        is_for_ticker = cause == "ticker"
        self._touches.note_audit(raw_symbol, is_for_ticker=is_for_ticker, has_agreed=has_agreed)
