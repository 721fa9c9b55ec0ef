"""Backfills trades missed in an outage: one thread requests them, another records them."""

from shared.exchange import Exchange
from shared.feed.board import Backfill, Board
from shared.feed.trades import Trades


class Backfills:
    """The unanswered backfills of one connection; the recorder's thread owns them.

    The board carries them: another thread takes each from `questions`, answers it, or puts it back
    if it could not ask.
    """

    def __init__(self, trades: Trades, board: Board, exchange: Exchange) -> None:
        """Start without a question; the exchange need not offer old trades."""
        self._trades = trades
        self._board = board
        self._is_possible = exchange.rest.trades is not None
        self._open: set[Backfill] = set()

    def ask(self, symbol: str, raw_symbol: str, now_s: float) -> None:
        """Request the trades that a symbol may have missed.

        Request nothing if the trades never broke off, or if a waiting question covers them.
        """
        board = self._board
        outage = self._trades.pop_outage(raw_symbol)
        if outage is None or any(q.raw_symbol == raw_symbol for q in list(board.questions)):
            return
        question = Backfill(symbol, raw_symbol, outage, now_s)
        self._open.add(question)
        if self._is_possible:
            self._trades.expect(raw_symbol)
            board.questions.append(question)
        else:
            reason = "the exchange offers no way to ask for them"
            board.answer_backfill(question, None, reason)

    def record(self, ts: int) -> None:
        """Record the answered trades, or a gap where an answer has none."""
        answers = self._board.answers
        while answers:
            answer = answers.popleft()
            question = answer.question
            if answer.trades is None:
                self._trades.missing(ts, question.symbol, question.outage.trade_id, answer.reason)
            else:
                self._trades.trade_list(ts, question.symbol, answer.trades, question.outage)
            self._trades.settle_list(question.raw_symbol)
            self._open.discard(question)

    def end(self, ts: int) -> None:
        """Record a gap for each unanswered question: no answer can come any more."""
        self.record(ts)
        for question in self._open:
            last, reason = question.outage.trade_id, "there was no answer in time"
            self._trades.missing(ts, question.symbol, last, reason)
        self._open.clear()
