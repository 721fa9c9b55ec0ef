"""Order books polled over REST, for markets or moments without a WebSocket."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Lock
from typing import Final

import msgspec

from shared.books import Books, Reason, Record
from shared.errors import ConnectionLost, ExchangeError, MalformedMessage, RateLimited
from shared.event import FeedEvent, Kind
from shared.exchange import Exchange
from shared.limits import SHARE
from shared.rest import RestClient

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
                    list(pool.map(partial(self._poll, stop), list(self._symbols)))
                rest_s = begun_s + self.interval_s - self._steady_s()
                stop.wait(max(rest_s, 0.0))
        with self._lock:
            if self.is_connected:
                self._row("disconnected", None, reason="stopped")

    def _follow(self) -> None:
        symbols = {self._exchange.raw_symbol(symbol): symbol for symbol in self.wanted}
        with self._lock:
            for raw_symbol in self._symbols.keys() - symbols.keys():
                self._books.remove(raw_symbol)
            for raw_symbol in symbols.keys() - self._symbols.keys():
                self._books.add(raw_symbol, symbols[raw_symbol])
            self._symbols = symbols

    def _poll(self, stop: Event, raw_symbol: str) -> None:
        """Ask for one book; every failure is a row, and none ends the polling."""
        symbol = self._symbols[raw_symbol]
        try:
            snapshot = self._rest.book(raw_symbol, stop)
            ts = self._clock_ns()
        except ConnectionLost as lost:
            self._fail(str(lost))
        except RateLimited as limited:
            self._limit(str(limited))
        except MalformedMessage as error:
            with self._lock:
                self._row("malformed", symbol, reason=error.reason, raw=error.excerpt)
        except ExchangeError as error:
            self._refuse(symbol, str(error))
        else:
            with self._lock:
                self._succeed(symbol)
                self._books.replace(ts, snapshot)

    def _succeed(self, symbol: str) -> None:
        self.polls += 1
        self.refused.pop(symbol, None)
        if not self.is_connected:
            self._row("connected", None, url=self._rest.url)
        self.is_connected, self.down_since_s, self.error = True, None, ""

    def _fail(self, reason: str) -> None:
        with self._lock:
            self.error = reason
            if self.is_connected:
                self.reconnects += 1
                self.down_since_s = self._steady_s()
                self._row("disconnected", None, reason=reason)
            self.is_connected = False

    def _limit(self, reason: str) -> None:
        with self._lock:
            if not self.error:  # once until the next answer
                self._row("rate_limited", None, reason=reason)
            self.error = reason

    def _refuse(self, symbol: str, reason: str) -> None:
        with self._lock:
            if symbol not in self.refused:
                self._row("subscription_refused", symbol, reason=reason)
            self.refused[symbol] = reason

    def _row(self, kind: Kind, symbol: str | None, **detail: str) -> None:
        text = msgspec.json.encode(detail).decode()
        self._record(self._clock_ns(), symbol, FeedEvent(kind, detail=text))


def _ignore(_raw_symbol: str, _reason: Reason) -> None:
    """Ask for nothing: the next poll is a new snapshot anyhow."""
