"""Trades that an outage hid, asked for over REST by one thread and recorded by another."""

from collections import deque
from collections.abc import Mapping

from msgspec import Struct

from shared.event import TradeList
from shared.trades import Trades


class Backfill(Struct, frozen=True):
    """A question: all trades since the trade `last`."""

    raw_symbol: str
    last: str


class _Answer(Struct, frozen=True):
    question: Backfill
    trades: TradeList | None
    reason: str


class Backfills:
    """The questions and the answers of one connection, on their way between two threads."""

    def __init__(self, *, is_possible: bool) -> None:
        """Start with no question; `is_possible`: the exchange can be asked for old trades."""
        self.questions: deque[Backfill] = deque()  # at most one a symbol and outage
        self._answers: deque[_Answer] = deque()
        self._is_possible = is_possible

    def ask(self, raw_symbol: str, last: str) -> None:
        """Ask for the trades of a symbol since `last`."""
        question = Backfill(raw_symbol, last)
        if self._is_possible:
            self.questions.append(question)
        else:
            reason = "the exchange offers no way to ask for them"
            self.answer(question, None, reason)

    def answer(self, question: Backfill, trades: TradeList | None, reason: str = "") -> None:
        """Hand over the answer, from whatever thread asked; `None` for a reason."""
        self._answers.append(_Answer(question, trades, reason))

    def record(self, ts: int, symbols: Mapping[str, str], trades: Trades) -> None:
        """Record the answers that came, or that there is none; `symbols`: raw symbol to ours."""
        while self._answers:
            answer = self._answers.popleft()
            symbol = symbols.get(answer.question.raw_symbol)
            if symbol is None:
                continue  # no longer recorded at all
            last = answer.question.last
            if answer.trades is None:
                trades.missing(ts, symbol, last, answer.reason)
            else:
                trades.trade_list(ts, symbol, answer.trades, last)
