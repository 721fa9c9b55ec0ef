"""A source turns the messages of an inbox into rows: the inbox's feed makes them."""

from collections.abc import Callable, Iterator
from typing import Final

from shared.event import Row
from shared.feed.feed import Feed
from shared.feed.polled import PolledFeed
from shared.transport.inbox import (
    Arrival,
    Closed,
    Inbox,
    Opened,
    Over,
    Polled,
    SocketRead,
    TurnedAway,
)

DIGEST_MESSAGES_MAX: Final = 256  # at once, or one read; then the next source has its turn
# Rows go to their frame a few at a time: the objects of hundreds of messages would push one another
# out of the CPU's caches.
ROWS_FEW: Final = 16
SHOW_S: Final = 0.5  # between two updates of a feed's state on the board


class SocketSource:
    """The inbox of a socket with its feed; the recorder's thread owns it."""

    def __init__(
        self,
        inbox: Inbox,
        feed: Feed,
        *,
        connections: Iterator[int],
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
    ) -> None:
        """Start without a connection; `connections` numbers those of the whole session."""
        self._inbox = inbox
        self._feed = feed
        self._connections = connections
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._number = 0  # of the feed's connection; 0: between two
        self._seen = 0, 0.0  # receive times of the feed's last message
        self._show_s = 0.0

    @property
    def backlog(self) -> int:
        """Return how many messages wait for the recorder."""
        return self._inbox.backlog

    def digest(self) -> Iterator[list[Row]]:
        """Give the feed its next messages, do due chores; yield the rows of both."""
        inbox, receive = self._inbox, self._feed.receive
        if not inbox.backlog and not self._feed.has_chores(self._steady_s()):
            return
        rows: list[Row] = []
        digested = 0
        while digested < DIGEST_MESSAGES_MAX and (arrival := inbox.take()) is not None:
            digested += arrival.count
            if not isinstance(arrival, SocketRead):
                rows += self._note(arrival)
                continue
            ts, now_s = self._seen = arrival.ts, arrival.now_s
            for first in range(0, arrival.count, ROWS_FEW):
                rows += receive(ts, now_s, arrival.messages[first : first + ROWS_FEW])
                if len(rows) >= ROWS_FEW:
                    yield rows
                    rows = []
        if self._number:
            rows += self._do_chores()
        yield rows

    def _note(self, arrival: Arrival) -> list[Row]:
        match arrival:
            case Opened(number, ts, now_s, url):
                self._seen = ts, now_s
                self._number = number
                rows = self._feed.connected(ts, now_s, url, next(self._connections))
            case TurnedAway(ts, wait_s, reason):
                rows = self._feed.connection_refused(ts, wait_s, reason)
            case Closed(ts, reason):
                self._number = 0
                rows = self._feed.disconnected(ts, reason)
            case Over(ts):
                rows = self._feed.end(ts)
            case _:
                raise AssertionError(arrival)
        self._feed.show()
        return rows

    def _do_chores(self) -> list[Row]:
        inbox, number = self._inbox, self._number
        # While messages wait, the feed's time is its last message's: the socket is not silent.
        ts, now_s = self._seen if inbox.backlog else (self._clock_ns(), self._steady_s())
        if inbox.flowing != number and self._feed.is_flowing:
            inbox.flowing = number
        if inbox.given_up and inbox.given_up[0] == number:
            return []
        chores = self._feed.chores(ts, now_s)
        if chores is None:
            return []
        if chores.lost is not None:
            inbox.given_up = number, chores.lost
        inbox.outbox.extend((number, message) for message in chores.messages)
        if now_s >= self._show_s:
            self._show_s = now_s + SHOW_S
            self._feed.show()
        return chores.rows


class PolledSource:
    """The inbox of a poller with its feed; the recorder's thread owns it."""

    def __init__(self, inbox: Inbox, feed: PolledFeed) -> None:
        """Start without an answer."""
        self._inbox = inbox
        self._feed = feed

    @property
    def backlog(self) -> int:
        """Return how many answers wait for the recorder."""
        return self._inbox.backlog

    def digest(self) -> Iterator[list[Row]]:
        """Yield the rows of the waiting answers."""
        while (arrival := self._inbox.take()) is not None:
            match arrival:
                case Polled(ts, now_s, raw_symbol, outcome):
                    rows = self._feed.receive(ts, now_s, raw_symbol, outcome)
                case Over(ts):
                    rows = self._feed.end(ts)
                case _:
                    raise AssertionError(arrival)
            self._feed.show()
            yield rows
