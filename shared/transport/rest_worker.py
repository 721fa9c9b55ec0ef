"""What an ingest asks over REST beside books: the list of markets, and trades that it missed."""

import re
from collections.abc import Callable, Sequence
from threading import Event
from typing import Final

from booktape.errors import BooktapeError
from shared.errors import ConnectionLost, RateLimited
from shared.exchange import SYMBOL
from shared.feed.board import Board
from shared.process import log
from shared.process.retry import Backoff
from shared.transport.rest import RestClient

MARKETS_INTERVAL_S: Final = 600.0
# Between two questions. A list of trades is dear (5 of Bitvavo's 1,000 points a minute), and after
# an outage the books, which need points as well, come first.
PACE_S: Final = 1.0
GIVE_UP_S: Final = 900.0  # as long as Bitvavo's ban; then the trades are called missing

# A market's name becomes part of messages and of REST paths, where ".." would be another place.
_SYMBOL: Final = re.compile(SYMBOL)

_log = log.get(__name__)


class RestWorker:
    """Asks, so that no reader ever waits for an answer; its own thread owns it.

    Any thread may read `error`.
    """

    def __init__(
        self,
        rest: RestClient,
        *,
        follow: Callable[[tuple[str, ...]], None] | None,
        boards: Sequence[Board],
        backoff: Backoff,
        steady_s: Callable[[], float],
    ) -> None:
        """Prepare; `follow` takes all symbols that trade, `None` where they are configured.

        Questions are on the boards; others come while it asks.
        """
        self.error = ""
        self._rest = rest
        self._follow = follow
        self._boards = boards
        self._backoff = backoff
        self._steady_s = steady_s
        self._odd: list[str] = []  # of the last list of markets
        self._markets_due_s = 0.0
        self._trades_due_s = 0.0

    def run(self, stop: Event) -> None:
        """Ask until told to stop."""
        while not stop.is_set():
            if self._follow is not None and self._steady_s() >= self._markets_due_s:
                self._ask_markets(self._follow, stop)
            if self._steady_s() >= self._trades_due_s:
                self._ask_trades(stop)
            stop.wait(PACE_S)

    def _ask_markets(self, follow: Callable[[tuple[str, ...]], None], stop: Event) -> None:
        try:
            markets = self._rest.markets(stop)
        except BooktapeError as error:
            self._markets_due_s = self._fail(error)
            return
        self._succeed()
        self._markets_due_s = self._steady_s() + MARKETS_INTERVAL_S
        symbols = sorted(market.symbol for market in markets if market.is_trading)
        known = tuple(symbol for symbol in symbols if _SYMBOL.fullmatch(symbol))
        self._note_odd([symbol for symbol in symbols if symbol not in known])
        if known:  # an empty list is the exchange's fault, not the end of all markets
            follow(known)

    def _note_odd(self, symbols: list[str]) -> None:
        if symbols and symbols != self._odd:
            _log.error(
                "markets whose names are none are not recorded; look at the exchange's list",
                extra={"count": len(symbols), "first": [name[:64] for name in symbols[:10]]},
            )
        self._odd = symbols

    def _ask_trades(self, stop: Event) -> None:
        """Ask one question; what cannot be had in time is told as well, for it makes a gap."""
        board = next((board for board in self._boards if board.questions), None)
        if board is None:
            return
        question = board.questions.popleft()
        try:
            trades = self._rest.trades(question.raw_symbol, question.last, stop)
        except BooktapeError as error:
            self._trades_due_s = self._fail(error)
            board.questions.append(question)  # after all others
            self._give_up(board, str(error))
        else:
            self._succeed()
            board.answer_backfill(question, trades)

    def _give_up(self, board: Board, reason: str) -> None:
        oldest_s = self._steady_s() - GIVE_UP_S
        for _ in range(len(board.questions)):
            question = board.questions.popleft()
            if question.asked_s < oldest_s:
                board.answer_backfill(question, None, reason)
            else:
                board.questions.append(question)

    def _succeed(self) -> None:
        self.error = ""
        self._backoff.reset()

    def _fail(self, error: BooktapeError) -> float:
        """Take note of a failure; return when to ask again."""
        if str(error) != self.error:
            _log.warning("no answer over REST; asking again", extra={"reason": str(error)})
        self.error = str(error)
        at_least_s = 0.0
        if isinstance(error, RateLimited | ConnectionLost):
            at_least_s = error.retry_after_s or 0.0
        return self._steady_s() + self._backoff.next_s(at_least_s=at_least_s)
