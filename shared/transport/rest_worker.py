"""The worker sends REST requests: for markets, missed trades, new books, audits."""

from collections.abc import Callable, Sequence
from threading import Event
from typing import Final

from booktape.errors import BooktapeError
from shared.errors import ConnectionLost, RateLimited
from shared.exchange import ListedMarket
from shared.feed.board import AuditAnswer, Board, BookAnswer
from shared.process import log
from shared.process.retry import Backoff
from shared.transport.rest import RequestRefused, RestClient

MARKETS_INTERVAL_S: Final = 60.0
MARKETS_EARLY_S: Final = 10.0  # at the least, if a feed wants the list at once
# Between two requests. A list of trades is expensive (5 of Bitvavo's 1,000 points a minute); after
# an outage the books come first, which cost points too.
PACE_S: Final = 1.0
BOOK_PACE_S: Final = 0.05  # between two requests for books, and two looks for wanted ones
GIVE_UP_S: Final = 900.0  # as long as Bitvavo's ban; then the trades count as missing

_log = log.get(__name__)


class RestWorker:
    """Sends the requests, so that no reader ever waits for an answer; its own thread owns it.

    Any thread may read `error`.
    """

    def __init__(
        self,
        rest: RestClient,
        *,
        take_list: Callable[[list[ListedMarket], int], None],
        book_interval_s: float | None,
        boards: Sequence[Board],
        backoff: Backoff,
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
    ) -> None:
        """Prepare; `take_list` takes each list of markets and its receive time.

        The boards hold the questions; more boards may follow. `book_interval_s` lies between two
        requests for books; it is `None` if no book begins over REST.
        """
        self.error = ""
        self._errors: dict[str, str] = {}  # of each kind of request, since its last answer
        self._rest = rest
        self._take_list = take_list
        self._book_interval_s = max(book_interval_s or 0.0, BOOK_PACE_S)
        self._book_look_s = PACE_S if book_interval_s is None else BOOK_PACE_S
        self._boards = boards
        self._backoff = backoff
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._markets_due_s = self._markets_early_s = 0.0
        self._trades_due_s = 0.0

    def run(self, stop: Event) -> None:
        """Send requests until told to stop."""
        while not stop.is_set():
            if self._is_list_due():
                self._ask_markets(stop)
            if self._steady_s() >= self._trades_due_s:
                self._ask_trades(stop)
            self._ask_audit(stop)
            self._ask_books(stop)

    def _ask_books(self, stop: Event) -> None:
        """Request the wanted books, one after the other, until other requests have their turn.

        If a request fails, the feed asks again.
        """
        left_s = PACE_S
        while left_s > 0.0 and not stop.is_set():
            board = next((board for board in self._boards if board.books_wanted), None)
            if board is not None:
                self._ask_book(board, stop)
            wait_s = min(left_s, self._book_look_s if board is None else self._book_interval_s)
            stop.wait(wait_s)
            left_s -= wait_s

    def _ask_book(self, board: Board, stop: Event) -> None:
        try:
            snapshot = self._rest.book(board.books_wanted.popleft(), stop)
        except IndexError:  # the connection was lost meanwhile, and its questions with it
            return
        except BooktapeError as error:
            self._fail("books", error)
            return
        self._succeed("books")
        board.books.append(BookAnswer(self._clock_ns(), snapshot))

    def _ask_audit(self, stop: Event) -> None:
        """Request one book for an audit; a failure is no fault of the feed."""
        board = next((board for board in self._boards if board.audits_wanted), None)
        if board is None:
            return
        raw_symbol = board.audits_wanted.popleft()
        snapshot = None
        try:
            snapshot = self._rest.book(raw_symbol, stop)
        except BooktapeError as error:
            _log.info("no answer to an audit", extra={"symbol": raw_symbol, "reason": str(error)})
        board.audits.append(AuditAnswer(raw_symbol, self._clock_ns(), snapshot))

    def _is_list_due(self) -> bool:
        """Return whether to request the list of markets: every minute, or when a feed wants it."""
        now_s = self._steady_s()
        wanted = [board for board in self._boards if board.is_list_wanted]
        if now_s < self._markets_due_s and not (wanted and now_s >= self._markets_early_s):
            return False
        for board in wanted:
            board.is_list_wanted = False
        self._markets_early_s = now_s + MARKETS_EARLY_S
        return True

    def _ask_markets(self, stop: Event) -> None:
        try:
            markets = self._rest.markets(stop)
        except BooktapeError as error:
            self._markets_due_s = self._fail("markets", error)
            return
        self._succeed("markets")
        self._markets_due_s = self._steady_s() + MARKETS_INTERVAL_S
        self._take_list(markets, self._clock_ns())

    def _ask_trades(self, stop: Event) -> None:
        """Request one list of trades; after `GIVE_UP_S` report it as missing, which makes a gap."""
        board = next((board for board in self._boards if board.questions), None)
        if board is None:
            return
        question = board.questions.popleft()
        try:
            trades = self._rest.trades(question.raw_symbol, question.outage, stop)
        except BooktapeError as error:
            self._trades_due_s = self._fail("trades", error)
            if isinstance(error, RequestRefused) and error.is_final:
                board.answer_backfill(question, None, str(error))
            else:
                board.questions.append(question)  # after all others
            self._give_up(board, str(error))
        else:
            self._succeed("trades")
            board.answer_backfill(question, trades)

    def _give_up(self, board: Board, reason: str) -> None:
        oldest_s = self._steady_s() - GIVE_UP_S
        for _ in range(len(board.questions)):
            question = board.questions.popleft()
            if question.asked_s < oldest_s:
                board.answer_backfill(question, None, reason)
            else:
                board.questions.append(question)

    def _succeed(self, kind: str) -> None:
        self._errors.pop(kind, None)
        self.error = next(iter(self._errors.values()), "")
        self._backoff.reset()

    def _fail(self, kind: str, error: BooktapeError) -> float:
        """Log a failure once while it lasts; return the time of the next attempt."""
        if str(error) != self._errors.get(kind):
            _log.warning("no answer over REST; asking again", extra={"reason": str(error)})
        self._errors[kind] = self.error = str(error)
        at_least_s = 0.0
        if isinstance(error, RateLimited | ConnectionLost):
            at_least_s = error.retry_after_s or 0.0
        return self._steady_s() + self._backoff.next_s(at_least_s=at_least_s)
