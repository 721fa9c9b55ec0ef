"""Polls order books over REST, for markets or moments without a WebSocket."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock
from typing import Final

from booktape.errors import BooktapeError
from shared.errors import ConnectionLost, ExchangeError, MalformedMessage
from shared.event import Snapshot
from shared.exchange import Exchange
from shared.feed.board import Board
from shared.transport.inbox import Inbox, Over, Polled
from shared.transport.limits import SHARE
from shared.transport.rest import RestClient

WORKERS_MAX: Final = 4  # requests under way at once
LEVEL_BYTES: Final = 128  # memory of one level, roughly
_NO_ROOM: Final = "the disk has not kept up"


class Poller:
    """Requests each book in turn and puts the answers into an inbox; its own thread owns it.

    Its workers only request books and hand over the answers.
    """

    def __init__(
        self,
        exchange: Exchange,
        board: Board,
        inbox: Inbox,
        rest: RestClient,
        *,
        poll_interval_s: float,
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
        pause: Event,
        limit_share: float = SHARE,
    ) -> None:
        """Prepare for the books that the board wants; it requests none while `pause` is set."""
        self._exchange = exchange
        self._board = board
        self._inbox = inbox
        self._poll_interval_s = poll_interval_s
        self._share = limit_share
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._pause = pause
        self._asker = _Asker(rest, inbox, clock_ns=clock_ns, steady_s=steady_s)

    def run(self, stop: Event) -> None:
        """Poll until told to stop, round after round."""
        with ThreadPoolExecutor(WORKERS_MAX, "poll") as pool:
            while not stop.is_set():
                begun_s = self._steady_s()
                wanted = self._board.wanted
                interval_s = stretch(
                    self._exchange, self._poll_interval_s, len(wanted), share=self._share
                )
                if not self._pause.is_set():
                    raw_symbols = [self._board.names.raw_symbol(symbol) for symbol in wanted]
                    self._go_round(pool, raw_symbols, begun_s, interval_s, stop)
                self._wait_until(begun_s + interval_s, stop)
        self._inbox.append(Over(self._clock_ns()))

    def _go_round(
        self,
        pool: ThreadPoolExecutor,
        raw_symbols: list[str],
        begun_s: float,
        interval_s: float,
        stop: Event,
    ) -> None:
        """Request every book once, evenly over the interval: a burst would use up the limit."""
        share_s = interval_s / max(len(raw_symbols), 1)
        polls: list[Future[None]] = []
        for number, raw_symbol in enumerate(raw_symbols):
            self._wait_until(begun_s + number * share_s, stop)
            if stop.is_set() or self._pause.is_set():
                break
            polls.append(pool.submit(self._asker.ask, raw_symbol, stop))
        for poll in polls:
            poll.result()

    def _wait_until(self, at_s: float, stop: Event) -> None:
        stop.wait(max(at_s - self._steady_s(), 0.0))


class _Asker:
    """Requests books on several threads at once; they hand over one answer at a time."""

    def __init__(
        self,
        rest: RestClient,
        inbox: Inbox,
        *,
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
    ) -> None:
        self._rest = rest
        self._inbox = inbox
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._lock = Lock()
        self._has_room = True

    def ask(self, raw_symbol: str, stop: Event) -> None:
        """Request one book; hand over a failure too, for no failure ends the polling."""
        if stop.is_set():
            return
        outcome: Snapshot | BooktapeError
        size = LEVEL_BYTES
        try:
            outcome = self._rest.book(raw_symbol, stop)
            size *= len(outcome.bids) + len(outcome.asks)
        except (ExchangeError, MalformedMessage) as error:
            outcome = error
        ts, now_s = self._clock_ns(), self._steady_s()
        with self._lock:
            had_room, self._has_room = self._has_room, not self._inbox.is_full
            if not self._has_room:
                if not had_room:  # the feed knows it; each book begins anew at its next poll
                    return
                outcome = ConnectionLost(_NO_ROOM)
            self._inbox.append(Polled(ts, now_s, raw_symbol, outcome, size))


def stretch(
    exchange: Exchange, poll_interval_s: float, books: int, *, share: float = SHARE
) -> float:
    """Return the seconds between two polls of a book, stretched if the limit demands it."""
    cost = exchange.rest.book.cost
    if cost is None:
        return poll_interval_s
    limit = exchange.limits[cost.limit]
    each_s = cost.points * limit.interval_s / (limit.points * share)
    return max(poll_interval_s, each_s * books)
