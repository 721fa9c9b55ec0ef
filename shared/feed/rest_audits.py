"""Audits books over REST: compares each answer with the latest states of our book."""

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from booktape.ladder import Comparison
from shared.event import Refused, Snapshot, feed_event
from shared.feed.audit_rows import (
    AHEAD,
    TICKERS_DISAGREE,
    Cause,
    audit_event,
    mismatch_event,
)
from shared.feed.board import AuditAnswer
from shared.feed.history import History
from shared.feed.parts import Parts

NEAR_S: Final = 3.0  # before an answer and after it
AGAIN_S: Final = 1.0  # after an answer that equals no state of our book
ATTEMPTS_MAX: Final = 3  # such answers in a row
ANSWER_S: Final = 120.0  # within which the REST worker answers
CHANGES_MAX: Final = 4096


class _Audit(Struct):
    """The audit of one book."""

    raw_symbol: str
    cause: Cause
    ts_book: int  # when the book began
    history: History
    at_s: float  # when to ask, when it was asked, or when to decide
    step: int = 0  # next: 0 the request, 1 the answer, 2 the decision
    answer: AuditAnswer | None = None
    attempts: int = 0


class RestAudits:
    """Audits one book of a connection after the other; the recorder's thread owns it.

    The board carries the requests to the REST worker, and the answers back. By turns we record
    our own book as a checkpoint. If the exchange uses the same numbers over REST and socket, we
    compare an answer with our book at the answer's number; else with each state around its time.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        quotes: Callable[[str], tuple[int, int]],
        audited: Callable[[str, Cause, bool], None],
    ) -> None:
        """Start with no audit wanted; `quotes` and `audited` are as in `Audits`."""
        self._books = parts.books
        self._rows = parts.rows
        self._board = parts.board
        self._depth = parts.exchange.depth
        self._is_numbered = parts.exchange.snapshot_by == "rest"
        self._counts = parts.counts
        self._quotes = quotes
        self._audited = audited
        self._wanted: dict[str, Cause] = {}
        self._audit: _Audit | None = None
        self._symbols: dict[str, str] = {}

    def follow(self, symbols: dict[str, str]) -> None:
        """Audit these symbols: raw symbol -> ours."""
        self._symbols = symbols
        self._wanted = {raw: why for raw, why in self._wanted.items() if raw in symbols}
        if self._audit is not None and self._audit.raw_symbol not in symbols:
            self._end()

    def take_turn(self, ts: int, raw_symbol: str, now_s: float) -> None:
        """Record a checkpoint of a book, and want an audit of it."""
        self._books.checkpoint(ts, raw_symbol)
        self.want(raw_symbol, "interval", now_s)

    def want(self, raw_symbol: str, cause: Cause, _now_s: float) -> None:
        """Want an audit of a live book, unless one is under way."""
        is_under_way = self._audit is not None and self._audit.raw_symbol == raw_symbol
        if is_under_way or not self._books.is_live(raw_symbol):
            return
        if self._wanted.get(raw_symbol, "interval") == "interval":
            self._wanted[raw_symbol] = cause

    def is_asked(self, _raw_symbol: str) -> bool:
        """Return whether a snapshot from the socket answers an audit: never."""
        return False

    def ask(self, _now_s: float) -> list[str]:
        """Return the messages to send over the socket: none."""
        return []

    def answer_audit(self, _ts: int, snapshot: Snapshot, _now_s: float) -> None:
        """Raise `AssertionError`: no audit goes over the socket."""
        raise AssertionError(snapshot.raw_symbol)

    def refuse(self, _ts: int, _notice: Refused, _now_s: float) -> bool:
        """Return whether a refusal over the socket refuses an audit: never."""
        return False

    def look(self, ts: int, now_s: float) -> None:
        """Continue the audit under way, or begin the next."""
        audit = self._audit
        if audit is None:
            self._begin(ts, now_s)
            return
        if not self._is_as_begun(audit) or len(audit.history) > CHANGES_MAX:
            self._end()
        elif audit.step == 1:
            self._take_answer(ts, now_s, audit)
        elif now_s >= audit.at_s and audit.step == 0:
            self._board.audits_wanted.append(audit.raw_symbol)
            audit.step, audit.at_s = 1, now_s
        elif now_s >= audit.at_s:
            self._decide(ts, now_s, audit)

    def _is_as_begun(self, audit: _Audit) -> bool:
        """Return whether the book is still the one whose audit began."""
        raw_symbol = audit.raw_symbol
        return self._books.is_live(raw_symbol) and audit.ts_book == self._books.begun(raw_symbol)

    def _begin(self, ts: int, now_s: float) -> None:
        while self._wanted and self._audit is None:
            # Audits out of turn come first.
            raw_symbol = next(
                (raw for raw, why in self._wanted.items() if why != "interval"),
                next(iter(self._wanted)),
            )
            cause = self._wanted.pop(raw_symbol)
            book = self._books.find(raw_symbol)
            if book is None or not self._books.is_live(raw_symbol):
                continue
            history = History(book, self._books.last(raw_symbol), ts, self._depth)
            begun = self._books.begun(raw_symbol)
            self._audit = _Audit(raw_symbol, cause, begun, history, now_s + NEAR_S)
            self._books.watch(raw_symbol, history.note)

    def _take_answer(self, ts: int, now_s: float, audit: _Audit) -> None:
        answers = self._board.audits
        while answers:
            answer = answers.popleft()
            if answer.raw_symbol != audit.raw_symbol:
                continue  # a late answer, for an audit that has ended
            if answer.snapshot is None:
                self._give_up(ts, audit)
                return
            audit.answer = answer
            audit.step, audit.at_s = 2, now_s + NEAR_S
            if (found := self._find_equal(audit, answer)) is not None:
                self._note(ts, audit, found)
            return
        if now_s - audit.at_s > ANSWER_S:
            self._give_up(ts, audit)

    def _decide(self, ts: int, now_s: float, audit: _Audit) -> None:
        """Decide whether an answer agrees, once all changes around it have come."""
        assert audit.answer is not None
        found = self._find_equal(audit, audit.answer)
        if found is not None:
            self._note(ts, audit, found)
            return
        audit.attempts += 1
        if audit.attempts < ATTEMPTS_MAX:
            audit.step, audit.at_s = 0, now_s + AGAIN_S
            return
        compared = list(self._compare(audit, audit.answer))
        if not compared:  # our book never had the answer's number
            self._give_up(ts, audit)
            return
        found = min(compared, key=lambda each: each.differ)
        self._rows.append((ts, self._symbols[audit.raw_symbol], mismatch_event(found)))
        self._note(ts, audit, found)
        self._books.doubt(audit.raw_symbol, "mismatch")

    def _give_up(self, ts: int, audit: _Audit) -> None:
        """End without a result; end the book too if tickers doubt it, or if it stood still."""
        self._counts.audits_unanswered += 1
        raw_symbol = audit.raw_symbol
        is_ahead = self._is_ahead(audit)
        self._end()
        if is_ahead or audit.cause == "ticker":
            stale = feed_event("stale", reason=AHEAD if is_ahead else TICKERS_DISAGREE)
            self._rows.append((ts, self._symbols[raw_symbol], stale))
            self._books.doubt(raw_symbol, "stale")

    def _is_ahead(self, audit: _Audit) -> bool:
        """Return whether the last answer has a number that our book has not reached."""
        snapshot = audit.answer.snapshot if audit.answer is not None else None
        last = self._books.last(audit.raw_symbol)
        if not self._is_numbered or snapshot is None or snapshot.sequence is None or last is None:
            return False
        return snapshot.sequence > last

    def _note(self, ts: int, audit: _Audit, found: Comparison) -> None:
        """Record the result of the audit, and end it."""
        raw_symbol = audit.raw_symbol
        assert audit.answer is not None
        assert audit.answer.snapshot is not None
        number = audit.answer.snapshot.sequence
        event = audit_event(audit.cause, found, self._quotes(raw_symbol), number)
        self._rows.append((ts, self._symbols[raw_symbol], event))
        self._counts.audits += 1
        self._counts.last_audit_ts = ts
        self._end()
        self._audited(raw_symbol, audit.cause, found.first is None)

    def _find_equal(self, audit: _Audit, answer: AuditAnswer) -> Comparison | None:
        return next((c for c in self._compare(audit, answer) if c.first is None), None)

    def _compare(self, audit: _Audit, answer: AuditAnswer) -> Iterator[Comparison]:
        assert answer.snapshot is not None
        if self._is_numbered:
            return audit.history.compare_at(answer.snapshot)
        return audit.history.compare_all(answer.ts, answer.snapshot)

    def _end(self) -> None:
        assert self._audit is not None
        self._books.unwatch(self._audit.raw_symbol, self._audit.history.note)
        self._audit = None
