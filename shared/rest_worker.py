"""What an ingest asks over REST beside books: the list of markets, and trades that it missed."""

from collections.abc import Callable, Iterable
from threading import Event
from typing import Final

from shared import log
from shared.backfills import Backfill, Backfills
from shared.errors import BooktapeError, ConnectionLost, RateLimited
from shared.rest import RestClient
from shared.retry import Backoff

MARKETS_INTERVAL_S: Final = 600.0
LOOK_S: Final = 1.0  # between two looks for questions
ATTEMPTS_MAX: Final = 5  # of one backfill, before its trades are called missing

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
        self._markets_due_s = 0.0

    def run(self, stop: Event) -> None:
        """Ask until told to stop."""
        while not stop.is_set():
            if self._follow is not None and self._steady_s() >= self._markets_due_s:
                self._ask_markets(self._follow, stop)
            for backfills in self._backfills():
                while backfills.questions and not stop.is_set():
                    self._backfill(backfills, backfills.questions.popleft(), stop)
            stop.wait(LOOK_S)

    def _ask_markets(self, follow: Callable[[tuple[str, ...]], None], stop: Event) -> None:
        try:
            markets = self._rest.markets(stop)
        except BooktapeError as error:
            if str(error) != self.error:
                _log.warning("no list of markets; asking again", extra={"why": str(error)})
            self.error = str(error)
            self._markets_due_s = self._steady_s() + self._backoff.next_s(at_least_s=_wait_s(error))
            return
        self.error = ""
        self._backoff.reset()
        self._markets_due_s = self._steady_s() + MARKETS_INTERVAL_S
        symbols = tuple(sorted(market.symbol for market in markets if market.is_trading))
        if symbols:  # an empty list is the exchange's fault, not the end of all markets
            follow(symbols)

    def _backfill(self, backfills: Backfills, question: Backfill, stop: Event) -> None:
        """Ask a few times; what cannot be had is told as well, for it makes a gap."""
        reason = ""
        for _ in range(ATTEMPTS_MAX):
            try:
                trades = self._rest.trades(question.raw_symbol, question.last, stop)
            except BooktapeError as error:
                reason = str(error)
                if stop.wait(self._backoff.next_s(at_least_s=_wait_s(error))):
                    break
            else:
                backfills.answer(question, trades)
                return
        backfills.answer(question, None, reason)


def _wait_s(error: BooktapeError) -> float:
    if isinstance(error, RateLimited | ConnectionLost):
        return error.retry_after_s or 0.0
    return 0.0
