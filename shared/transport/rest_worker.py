"""What an ingest asks over REST beside books: the list of markets, and trades that it missed."""

import re
from collections.abc import Callable, Iterable
from threading import Event
from typing import Final

from booktape.errors import BooktapeError
from shared.errors import ConnectionLost, RateLimited
from shared.exchange import SYMBOL
from shared.feed.backfills import Backfills
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
    """One thread's worth of questions, so that no reader ever waits for an answer."""

    def __init__(
        self,
        rest: RestClient,
        *,
        follow: Callable[[tuple[str, ...]], None] | None,
        backfills: Callable[[], Iterable[Backfills]],
        backoff: Backoff,
        steady_s: Callable[[], float],
    ) -> None:
        """Prepare; `follow` takes all symbols that trade, `None` where they are configured."""
        self.error = ""
        self._rest = rest
        self._follow = follow
        self._backfills = backfills
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
        backfills = next((one for one in self._backfills() if one.questions), None)
        if backfills is None:
            return
        question = backfills.questions.popleft()
        try:
            trades = self._rest.trades(question.raw_symbol, question.last, stop)
        except BooktapeError as error:
            self._trades_due_s = self._fail(error)
            backfills.questions.append(question)  # after all others
            self._give_up(backfills, str(error))
        else:
            self._succeed()
            backfills.answer(question, trades)

    def _give_up(self, backfills: Backfills, reason: str) -> None:
        oldest_s = self._steady_s() - GIVE_UP_S
        for _ in range(len(backfills.questions)):
            question = backfills.questions.popleft()
            if question.asked_s < oldest_s:
                backfills.answer(question, None, reason)
            else:
                backfills.questions.append(question)

    def _succeed(self) -> None:
        self.error = ""
        self._backoff.reset()

    def _fail(self, error: BooktapeError) -> float:
        """Take note of a failure; return when to ask again."""
        if str(error) != self.error:
            _log.warning("no answer over REST; asking again", extra={"why": str(error)})
        self.error = str(error)
        at_least_s = 0.0
        if isinstance(error, RateLimited | ConnectionLost):
            at_least_s = error.retry_after_s or 0.0
        return self._steady_s() + self._backoff.next_s(at_least_s=at_least_s)
