"""Sources of rows: what came into an inbox, made into rows by the feed that it is for."""

from collections.abc import Callable, Iterator
from typing import Final

from shared.event import Row
from shared.feed.feed import Feed
from shared.feed.polled import PolledFeed
from shared.transport.inbox import Batch, Closed, Delivery, Inbox, Opened, Over, Polled, TurnedAway

DIGEST_MESSAGES_MAX: Final = 256  # at once, or one read: then the next source has its turn
# To the feed at once. The rows of thousands of messages, waiting as objects for their frame, would
# fill the CPU's caches.
FEED_MESSAGES_MAX: Final = 64
SHOW_S: Final = 0.5  # between two looks at how a feed stands


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
        """Start without a connection; `connections` counts those of the whole session."""
        self._inbox = inbox
        self._feed = feed
        self._connections = connections
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._number = 0  # of the connection that the feed is on; 0: between two
        self._seen = 0, 0.0  # when what the feed saw last came
        self._show_s = 0.0

    @property
    def backlog(self) -> int:
        """Return how many messages wait to be digested."""
        return self._inbox.backlog

    def digest(self) -> Iterator[list[Row]]:
        """Have the feed take the next messages and do its chores; yield the rows of it."""
        inbox = self._inbox
        digested = 0
        while digested < DIGEST_MESSAGES_MAX and (taken := inbox.take()) is not None:
            delivery, count = taken
            digested += count
            if isinstance(delivery, Batch):
                yield from self._receive(delivery)
            else:
                yield self._note(delivery)
        if self._number:
            yield from self._do_chores()

    def _receive(self, batch: Batch) -> Iterator[list[Row]]:
        ts, now_s = self._seen = batch.ts, batch.now_s
        messages, receive = batch.messages, self._feed.receive
        if len(messages) <= FEED_MESSAGES_MAX:
            yield receive(ts, now_s, messages)
            return
        for first in range(0, len(messages), FEED_MESSAGES_MAX):
            yield receive(ts, now_s, messages[first : first + FEED_MESSAGES_MAX])

    def _note(self, delivery: Delivery) -> list[Row]:
        match delivery:
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
                raise AssertionError(delivery)
        self._feed.show()
        return rows

    def _do_chores(self) -> Iterator[list[Row]]:
        inbox, number = self._inbox, self._number
        # Behind the socket, the feed lives in the time of what it has seen: nobody is silent yet.
        ts, now_s = self._seen if inbox.backlog else (self._clock_ns(), self._steady_s())
        if inbox.flowing != number and self._feed.is_flowing:
            inbox.flowing = number
        if inbox.given_up and inbox.given_up[0] == number:
            return
        chores = self._feed.chores(ts, now_s)
        if chores is None:
            return
        if chores.lost is not None:
            inbox.given_up = number, chores.lost
        inbox.outbox.extend((number, message) for message in chores.messages)
        if now_s >= self._show_s:
            self._show_s = now_s + SHOW_S
            self._feed.show()
        yield chores.rows


class PolledSource:
    """The inbox of a poller with its feed; the recorder's thread owns it."""

    def __init__(self, inbox: Inbox, feed: PolledFeed) -> None:
        """Start without an answer."""
        self._inbox = inbox
        self._feed = feed

    @property
    def backlog(self) -> int:
        """Return how many answers wait to be digested."""
        return self._inbox.backlog

    def digest(self) -> Iterator[list[Row]]:
        """Yield the rows of the answers that wait."""
        for _ in range(self._inbox.backlog):
            taken = self._inbox.take()
            match taken:
                case Polled(ts, now_s, raw_symbol, outcome), _:
                    yield self._feed.receive(ts, now_s, raw_symbol, outcome)
                case Over(ts), _:
                    yield self._feed.end(ts)
                case _:
                    raise AssertionError(taken)
            self._feed.show()
