"""Order books polled over REST, for markets or moments without a WebSocket."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock
from typing import Final

from shared.errors import ConnectionLost, MalformedMessage, RateLimited
from shared.event import Kind, Record, Snapshot, feed_event
from shared.exchange import Exchange
from shared.feed.books import Books, Reason
from shared.transport.limits import SHARE
from shared.transport.rest import RequestRefused, RestClient

WORKERS_MAX: Final = 4  # questions under way at once


class Poller:
    """Asks for each book in turn; each answer is a snapshot, and an epoch of its own."""

    def __init__(
        self,
        exchange: Exchange,
        symbols: Iterable[str],
        rest: RestClient,
        *,
        record: Record,
        poll_interval_s: float,
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
        pause: Event,
    ) -> None:
        """Prepare for these symbols of ours."""
        self.wanted = tuple(symbols)  # another thread may replace it at any time
        self.refused: dict[str, str] = {}  # our symbol -> why
        self.is_connected = False
        self.down_since_s: float | None = steady_s()
        self.reconnects = 0
        self.polls = 0
        self.error = ""
        self._exchange = exchange
        self._rest = rest
        self._record = record
        self._poll_interval_s = poll_interval_s
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._pause = pause
        self._is_limited = False
        self._lock = Lock()
        self._books = Books(exchange.sequence_step, record, _ignore)
        self._symbols: dict[str, str] = {}

    @property
    def live(self) -> set[str]:
        """Return the symbols whose last question was answered."""
        with self._lock:
            return self._books.live()

    @property
    def interval_s(self) -> float:
        """Return the seconds between two polls of a book, stretched to what the limit allows."""
        cost = self._exchange.rest.book.cost
        if cost is None:
            return self._poll_interval_s
        limit = self._exchange.limits[cost.limit]
        each_s = cost.points * limit.interval_s / (limit.points * SHARE)
        return max(self._poll_interval_s, each_s * len(self.wanted))

    def run(self, stop: Event) -> None:
        """Poll until told to stop, round after round."""
        with ThreadPoolExecutor(WORKERS_MAX, "poll") as pool:
            while not stop.is_set():
                begun_s = self._steady_s()
                if not self._pause.is_set():
                    self._follow()
                    self._go_round(pool, begun_s, stop)
                self._wait_until(begun_s + self.interval_s, stop)
        with self._lock:
            if self.is_connected:
                self.is_connected = False
                self._row("disconnected", None, reason="stopped")

    def _go_round(self, pool: ThreadPoolExecutor, begun_s: float, stop: Event) -> None:
        """Ask for every book once, evenly over the interval: a burst would use up the limit."""
        share_s = self.interval_s / max(len(self._symbols), 1)
        polls: list[Future[None]] = []
        for number, raw_symbol in enumerate(self._symbols):
            self._wait_until(begun_s + number * share_s, stop)
            if stop.is_set() or self._pause.is_set():
                break
            polls.append(pool.submit(self._poll, stop, raw_symbol))
        for poll in polls:
            poll.result()

    def _wait_until(self, at_s: float, stop: Event) -> None:
        stop.wait(max(at_s - self._steady_s(), 0.0))

    def _follow(self) -> None:
        symbols = {self._exchange.raw_symbol(symbol): symbol for symbol in self.wanted}
        with self._lock:
            for raw_symbol in self._symbols.keys() - symbols.keys():
                self._books.remove(raw_symbol)
                self.refused.pop(self._symbols[raw_symbol], None)
            for raw_symbol in symbols.keys() - self._symbols.keys():
                self._books.add(raw_symbol, symbols[raw_symbol])
            self._symbols = symbols

    def _poll(self, stop: Event, raw_symbol: str) -> None:
        """Ask for one book; every failure is a row, and none ends the polling."""
        if stop.is_set():
            return
        try:
            self._ask(raw_symbol, stop)
        except ConnectionLost as lost:
            with self._lock:
                self._disconnect(raw_symbol, str(lost))
        except RateLimited as limited:
            with self._lock:
                self._limit(raw_symbol, str(limited))

    def _ask(self, raw_symbol: str, stop: Event) -> None:
        symbol = self._symbols[raw_symbol]
        try:
            snapshot = self._rest.book(raw_symbol, stop)
            ts = self._clock_ns()
        except MalformedMessage as error:
            with self._lock:
                self._lose(raw_symbol)
                self._row("malformed", symbol, reason=error.reason, raw=error.excerpt)
        except RequestRefused as error:
            with self._lock:
                self._refuse(raw_symbol, str(error))
        else:
            with self._lock:
                self._succeed(ts, symbol, snapshot)

    def _succeed(self, ts: int, symbol: str, snapshot: Snapshot) -> None:
        self.polls += 1
        self.refused.pop(symbol, None)
        if not self.is_connected:
            self._row("connected", None, url=self._rest.url)
        self.is_connected, self.down_since_s, self.error = True, None, ""
        self._is_limited = False
        self._books.replace(ts, snapshot)

    def _disconnect(self, raw_symbol: str, reason: str) -> None:
        self._lose(raw_symbol)
        self.error = reason
        if self.is_connected:
            self.is_connected, self.down_since_s = False, self._steady_s()
            self.reconnects += 1
            self._row("disconnected", None, reason=reason)

    def _limit(self, raw_symbol: str, reason: str) -> None:
        self._lose(raw_symbol)
        self.error = reason
        if not self._is_limited:  # once until the next answer
            self._row("rate_limited", None, reason=reason)
        self._is_limited = True

    def _refuse(self, raw_symbol: str, reason: str) -> None:
        self._lose(raw_symbol)
        symbol = self._symbols[raw_symbol]
        if symbol not in self.refused:
            self._row("subscription_refused", symbol, reason=reason)
        self.refused[symbol] = reason

    def _lose(self, raw_symbol: str) -> None:
        self._books.doubt(raw_symbol, "unknown")

    def _row(self, kind: Kind, symbol: str | None, **detail: str) -> None:
        self._record(self._clock_ns(), symbol, feed_event(kind, **detail))


def _ignore(_raw_symbol: str, _reason: Reason) -> None:
    """Ask for nothing: the next poll is a new snapshot anyhow."""
