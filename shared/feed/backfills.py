"""Trades that an outage hid, asked for over REST by one thread and recorded by another."""

from collections import deque

from msgspec import Struct

from shared.event import TradeList
from shared.feed.trades import Trades


class Backfill(Struct, frozen=True):
    """A question: all trades of a symbol since the trade `last`."""

    symbol: str
    raw_symbol: str
    last: str
    asked_s: float  # when, by the steady clock


class _Answer(Struct, frozen=True):
    question: Backfill
    trades: TradeList | None
    reason: str


class Backfills:
    """The questions and the answers of one connection, on their way between two threads.

    The thread that reads the connection asks and records; the other one takes from `questions`,
    may put back there what it could not ask, and answers.
    """

    def __init__(self, trades: Trades, *, is_possible: bool) -> None:
        """Start with no question; `is_possible`: the exchange can be asked for old trades."""
        self.questions: deque[Backfill] = deque()  # of a symbol one here, one being asked
        self._trades = trades
        self._is_possible = is_possible
        self._answers: deque[_Answer] = deque()
        self._open: set[Backfill] = set()

    def ask(self, symbol: str, raw_symbol: str, now_s: float) -> None:
        """Ask for what a symbol may have missed; whatever an older question reaches is not asked.

        Where the trades never broke off there is nothing to ask.
        """
        last = self._trades.take_last(raw_symbol)
        if last is None or any(q.raw_symbol == raw_symbol for q in list(self.questions)):
            return
        question = Backfill(symbol, raw_symbol, last, now_s)
        self._open.add(question)
        if self._is_possible:
            self._trades.expect(raw_symbol)
            self.questions.append(question)
        else:
            self.answer(question, None, "the exchange offers no way to ask for them")

    def answer(self, question: Backfill, trades: TradeList | None, reason: str = "") -> None:
        """Hand over the answer, from whatever thread asked; `None` for a reason."""
        self._answers.append(_Answer(question, trades, reason))

    def record(self, ts: int) -> None:
        """Record the answers that came, or that there is none."""
        while self._answers:
            answer = self._answers[0]  # still here if it cannot be recorded now
            question = answer.question
            if answer.trades is None:
                self._trades.missing(ts, question.symbol, question.last, answer.reason)
            else:
                self._trades.trade_list(ts, question.symbol, answer.trades, question.last)
            self._trades.settle(question.raw_symbol)
            self._open.discard(question)
            self._answers.popleft()

    def end(self, ts: int) -> None:
        """Record that what was asked and not answered is missing: there is no more time."""
        self.record(ts)
        for question in self._open:
            self._trades.missing(ts, question.symbol, question.last, "there was no answer in time")
        self._open.clear()
