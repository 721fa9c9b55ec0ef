"""Audits books over the socket: asks for each by turns, compares it, begins it anew."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from shared.event import Refused, Snapshot, feed_event
from shared.exchange import Cost
from shared.feed.audit_budget import AuditBudgets
from shared.feed.audit_rows import (
    AHEAD,
    TICKERS_DISAGREE,
    Cause,
    audit_event,
    mismatch_event,
)
from shared.feed.parts import Parts

ANSWER_S: Final = 10.0  # within which an answer comes; then we ask again
AGAIN_S: Final = 1.0  # after an answer that is too old
RETRY_S: Final = 5.0  # after a refusal
AHEAD_S: Final = 2.0  # within which our book catches up with an answer that is ahead of it
ATTEMPTS_MAX: Final = 3
WAIT_MAX_S: Final = 120.0  # for points and for books that begin; then we write our own book
OLD_MAX: Final = 3  # old answers in a row: then the exchange's numbers have begun anew
EDGE_S: Final = 10.0  # between two audits of a book that is near the end of its known levels
EDGE_LOOK_S: Final = 1.0


class _Question(Struct):
    """An audit: wanted, requested, or answered ahead of our book."""

    cause: Cause
    wanted_s: float
    at_s: float  # wanted: when to request it; else when it was requested, or answered ahead
    attempts: int = 0
    old: int = 0
    last: int | None = None  # our book's number, when the answer was ahead of it


class Audits:
    """Compares each book of one connection with the exchange's; the recorder's thread owns it.

    If an answer has our book's number, we compare it and record it as the exchange's snapshot: a
    new epoch without a gap. If no answer comes in time, we record our own book as a checkpoint.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        budgets: AuditBudgets,
        spend: Callable[[Cost], float],
        quotes: Callable[[str], tuple[int, int]],
        audited: Callable[[str, Cause, bool], None],
    ) -> None:
        """Start with no audit wanted.

        `quotes(raw_symbol)` returns how many tickers agreed and how many were judged since the
        last call; `audited` is called after each audit, with whether the books agreed.
        """
        self._exchange = parts.exchange
        self._books = parts.books
        self._rows = parts.rows
        self._counts = parts.counts
        self._spend = spend
        self._budgets = budgets
        self._quotes = quotes
        self._audited = audited
        self._wanted: dict[str, _Question] = {}
        self._asked: dict[str, _Question] = {}
        self._ahead: dict[str, _Question] = {}
        self._symbols: dict[str, str] = {}
        self._edges: dict[str, float] = {}  # raw symbol -> when it was audited for its edge
        self._edge_look_s = 0.0
        self._next_s = 0.0

    def follow(self, symbols: dict[str, str]) -> None:
        """Audit these symbols: raw symbol -> ours."""
        for raw_symbol in self._symbols.keys() - symbols.keys():
            for questions in (self._wanted, self._asked, self._ahead):
                questions.pop(raw_symbol, None)
            self._edges.pop(raw_symbol, None)
        self._symbols = symbols

    def take_turn(self, _ts: int, raw_symbol: str, now_s: float) -> None:
        """Want an audit of the book whose turn it is."""
        self.want(raw_symbol, "interval", now_s)

    def want(self, raw_symbol: str, cause: Cause, now_s: float) -> None:
        """Want an audit of a live book, unless one is under way."""
        is_under_way = raw_symbol in self._asked or raw_symbol in self._ahead
        if is_under_way or not self._books.is_live(raw_symbol):
            return
        wanted = self._wanted.get(raw_symbol)
        if wanted is None or wanted.cause == "interval":
            self._wanted[raw_symbol] = _Question(cause, now_s, now_s)

    def is_asked(self, raw_symbol: str) -> bool:
        """Return whether an audit of this book was requested and not answered."""
        return raw_symbol in self._asked

    def look(self, ts: int, now_s: float) -> None:
        """Handle overdue audits; want one of each book near the end of its known levels."""
        for raw_symbol, question in list(self._asked.items()):
            if now_s - question.at_s > ANSWER_S:
                self._retry(ts, raw_symbol, self._asked, now_s)
        for raw_symbol, question in list(self._wanted.items()):
            if now_s - question.wanted_s > WAIT_MAX_S:
                del self._wanted[raw_symbol]
                self._give_up(ts, raw_symbol, question.cause)
        for raw_symbol, question in list(self._ahead.items()):
            if not self._books.is_live(raw_symbol):
                del self._ahead[raw_symbol]
            elif self._books.last(raw_symbol) != question.last:
                self._retry(ts, raw_symbol, self._ahead, now_s)
            elif now_s - question.at_s > AHEAD_S:
                del self._ahead[raw_symbol]
                self._doubt(ts, raw_symbol, AHEAD)
        if now_s >= self._edge_look_s:
            self._edge_look_s = now_s + EDGE_LOOK_S
            self._look_at_edges(now_s)

    def ask(self, now_s: float) -> list[str]:
        """Return the message that requests the next audit, if any; early audits come first."""
        if now_s < self._next_s or not self._wanted:
            return []
        due = [raw for raw, question in self._wanted.items() if question.at_s <= now_s]
        due.sort(key=lambda raw: self._wanted[raw].cause == "interval")
        for raw_symbol in due:
            if not self._books.is_live(raw_symbol):
                del self._wanted[raw_symbol]
            elif self._take_points(self._wanted[raw_symbol].cause, now_s):
                assert self._exchange.request_snapshot is not None
                question = self._asked[raw_symbol] = self._wanted.pop(raw_symbol)
                question.at_s = now_s
                return [self._exchange.request_snapshot(raw_symbol)]
            elif now_s < self._next_s:  # the exchange's limit is used up
                break
        return []

    def answer_audit(self, ts: int, snapshot: Snapshot, now_s: float) -> None:
        """Compare a book with the exchange's, and begin it anew."""
        raw_symbol = snapshot.raw_symbol
        question = self._asked.pop(raw_symbol)
        if not self._books.is_live(raw_symbol) or snapshot.sequence is None:
            return
        last = self._books.last(raw_symbol)
        assert last is not None
        if snapshot.sequence == last:
            self._compare(ts, question, snapshot)
        elif snapshot.sequence > last:
            question.last, question.at_s = last, now_s
            self._ahead[raw_symbol] = question
        else:
            question.old += 1
            if question.old < OLD_MAX:
                question.at_s = now_s + AGAIN_S
                self._wanted[raw_symbol] = question
            else:
                self._books.begin_anew(ts, snapshot)

    def refuse(self, ts: int, notice: Refused, now_s: float) -> bool:
        """Take note of a refusal; return whether it refuses an audit.

        If the market is halted, its book ends: the exchange sends no changes of a halted book.
        """
        raw_symbol = notice.raw_symbol
        if raw_symbol is None or raw_symbol not in self._asked:
            return False
        if notice.is_halted:
            del self._asked[raw_symbol]
            self._note_stale(ts, raw_symbol, notice.reason)
            self._books.lose(raw_symbol)
        else:
            self._retry(ts, raw_symbol, self._asked, now_s, wait_s=RETRY_S)
        return True

    def _compare(self, ts: int, question: _Question, snapshot: Snapshot) -> None:
        raw_symbol = snapshot.raw_symbol
        symbol = self._symbols[raw_symbol]
        found = self._books.compare(snapshot)
        if found.first is not None:
            self._rows.append((ts, symbol, mismatch_event(found)))
        quotes = self._quotes(raw_symbol)
        audit = audit_event(question.cause, found, quotes, snapshot.sequence)
        self._rows.append((ts, symbol, audit))
        self._books.renew(ts, snapshot)
        self._counts.audits += 1
        self._counts.last_audit_ts = ts
        self._audited(raw_symbol, question.cause, found.first is None)

    def _retry(
        self,
        ts: int,
        raw_symbol: str,
        questions: dict[str, _Question],
        now_s: float,
        *,
        wait_s: float = 0.0,
    ) -> None:
        """Ask again, a few times."""
        question = questions.pop(raw_symbol)
        question.attempts += 1
        if question.attempts < ATTEMPTS_MAX:
            question.at_s = question.wanted_s = now_s + wait_s
            self._wanted[raw_symbol] = question
        else:
            self._give_up(ts, raw_symbol, question.cause)

    def _give_up(self, ts: int, raw_symbol: str, cause: Cause) -> None:
        """Record our own book instead of an audit; but if tickers doubt the book, end it."""
        self._counts.audits_unanswered += 1
        if cause != "ticker":
            self._books.checkpoint(ts, raw_symbol)
        elif self._books.is_live(raw_symbol):
            self._doubt(ts, raw_symbol, TICKERS_DISAGREE)

    def _doubt(self, ts: int, raw_symbol: str, reason: str) -> None:
        self._note_stale(ts, raw_symbol, reason)
        self._books.doubt(raw_symbol, "stale")

    def _note_stale(self, ts: int, raw_symbol: str, reason: str) -> None:
        self._rows.append((ts, self._symbols[raw_symbol], feed_event("stale", reason=reason)))

    def _take_points(self, cause: Cause, now_s: float) -> bool:
        """Spend one audit's points, of its budget and the exchange's limit, if both suffice."""
        cost = self._exchange.snapshot_cost
        budget = self._budgets.turns if cause == "interval" else self._budgets.early
        if not budget.has_points(cost, now_s):
            return False
        wait_s = self._spend(cost) if cost is not None else 0.0
        self._next_s = now_s + max(wait_s, self._exchange.snapshot_interval_s)
        if wait_s:
            return False
        budget.spend(cost, now_s)
        return True

    def _look_at_edges(self, now_s: float) -> None:
        for raw_symbol in self._books.find_edges():
            book = self._books.find(raw_symbol)
            is_recent = now_s - self._edges.get(raw_symbol, -EDGE_S) < EDGE_S
            if book is not None and not is_recent and book.is_near_edge:
                self._edges[raw_symbol] = now_s
                self.want(raw_symbol, "edge", now_s)
