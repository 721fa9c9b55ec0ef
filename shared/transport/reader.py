"""One socket, read for ever: connect, receive, reconnect.

Two threads share a reader. Its own one reads the socket and stamps what came; the recorder's one
has the feed make events of it (`digest`). Between them lie an inbox and an outbox.
"""

from collections import deque
from collections.abc import Callable
from threading import Event
from typing import Any, Final

from shared.errors import ConnectionLost
from shared.exchange import Cost
from shared.feed.feed import Feed
from shared.process import log
from shared.process.retry import Backoff
from shared.transport.connection import Connection

RECEIVE_S: Final = 0.1  # at most, before the reader looks at anything but its socket
DIGEST_MESSAGES_MAX: Final = 256  # at once, or one delivery: then the next socket has its turn
BACKLOG_BYTES_MAX: Final = 16 * 1024 * 1024  # read, not digested: a minute of every market
ROOM_WAIT_S: Final = 5.0  # for a slow disk; a reader that waits longer misses its pongs
ROOM_LOOK_S: Final = 0.005
LIMIT_LOOK_S: Final = 60.0  # at most, before the limit is asked again

_log = log.get(__name__)


class Reader:
    """Keeps one connection up and hands everything that it delivers to its feed."""

    def __init__(
        self,
        feed: Feed,
        *,
        url: str,
        connect: Callable[[str], Connection],
        connect_cost: Cost | None,
        take: Callable[[Cost], float],
        ban: Callable[[float, str], None],
        backoff: Backoff,
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
        pause: Event,
        announce: Callable[[int], None],
    ) -> None:
        """Prepare; `pause` closes the connection and keeps it closed while it is set.

        `announce` tells the recorder how much there is to digest.
        """
        self.feed = feed
        self.is_connected = False
        self.down_since_s: float | None = steady_s()
        self.reconnects = 0
        self.error = ""
        self._url = url
        self._connect = connect
        self._connect_cost = connect_cost
        self._take = take
        self._ban = ban
        self._backoff = backoff
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._pause = pause
        self._announce = announce
        # How many messages it is, and what is to be called with them.
        self._inbox: deque[tuple[int, Callable[..., None], tuple[Any, ...]]] = deque()
        # The feed lags behind the socket: what it says is of the connection with this number.
        self._outbox: deque[tuple[int, str]] = deque()
        self._given_up: tuple[int, ConnectionLost] | None = None
        self._connection = 0  # of the socket
        self._feed_connection = 0  # of the feed; 0: between two
        self._seen = 0, 0.0  # when what the feed saw last came
        self._posted = self._digested = 0
        self._bytes_read = self._bytes_digested = 0

    @property
    def backlog(self) -> int:
        """Return how many messages wait to be digested."""
        return max(0, self._posted - self._digested)

    def digest(self) -> None:
        """Have the feed take the next messages and do its chores; the recorder's thread calls."""
        until = self._digested + DIGEST_MESSAGES_MAX
        while self._inbox and self._digested < until:
            count, call, arguments = self._inbox.popleft()
            call(*arguments)
            self._digested += count
        # Behind the socket, the feed lives in the time of what it has seen: nobody is silent yet.
        ts, now_s = self._seen if self._inbox else (self._clock_ns(), self._steady_s())
        number = self._feed_connection
        if not number or (self._given_up and self._given_up[0] == number):
            return
        try:
            messages = self.feed.chores(ts, now_s)
        except ConnectionLost as lost:
            self._given_up = number, lost
        else:
            self._outbox.extend((number, message) for message in messages)

    def run(self, stop: Event) -> None:
        """Read until told to stop; whatever the exchange does, go on."""
        while not stop.is_set():
            if self._pause.is_set():
                stop.wait(1.0)
                continue
            wait_s = self._take(self._connect_cost) if self._connect_cost else 0.0
            if wait_s:
                stop.wait(min(wait_s, LIMIT_LOOK_S))
                continue
            try:
                connection = self._connect(self._url)
            except ConnectionLost as lost:
                self._fail(lost)
                if lost.retry_after_s is not None:
                    self._heed(lost.retry_after_s, str(lost))
                stop.wait(self._backoff.next_s(at_least_s=lost.retry_after_s or 0.0))
                continue
            self._read(connection, stop)
            if not stop.is_set() and not self._pause.is_set():
                self.reconnects += 1
                stop.wait(self._backoff.next_s())
        self._post(1, self.feed.end, self._clock_ns())

    def _read(self, connection: Connection, stop: Event) -> None:
        self._connection += 1
        self._post(1, self._open, self._connection, self._clock_ns(), self._steady_s())
        self.is_connected, self.down_since_s, self.error = True, None, ""
        reason = "stopped"
        try:
            self._pump(connection, stop)
            if self._pause.is_set():
                reason = "the disk is full"
        except ConnectionLost as lost:
            reason = str(lost)
            self._fail(lost)
        finally:
            self.is_connected, self.down_since_s = False, self._steady_s()
            if self._feed_connection == self._connection and self.feed.is_flowing:
                self._backoff.reset()
            connection.close()
            self._post(1, self._close, self._clock_ns(), reason)

    def _pump(self, connection: Connection, stop: Event) -> None:
        """Read until told to stop; what is done for each message is as little as can be."""
        look_s = 0.0
        clock_ns, steady_s = self._clock_ns, self._steady_s
        while True:
            if self._outbox:
                self._send(connection)
            messages = connection.recv(RECEIVE_S)
            ts, now_s = clock_ns(), steady_s()
            if messages:
                size = sum(map(len, messages))
                self._bytes_read += size
                self._post(len(messages), self._receive, ts, now_s, messages, size)
                if self._bytes_read - self._bytes_digested > BACKLOG_BYTES_MAX:
                    self._wait_for_room(stop)
                if now_s < look_s:
                    continue
            look_s = now_s + RECEIVE_S
            if self._given_up and self._given_up[0] == self._connection:
                raise self._given_up[1]
            if stop.is_set() or self._pause.is_set():
                break

    def _send(self, connection: Connection) -> None:
        while self._outbox:
            number, message = self._outbox.popleft()
            if number == self._connection:
                connection.send(message)

    def _wait_for_room(self, stop: Event) -> None:
        """Read no more until what was read is digested, or give the connection up.

        To read on would fill the memory; the hole that this makes is a row like every outage.
        """
        deadline_s = self._steady_s() + ROOM_WAIT_S
        while self._bytes_read - self._bytes_digested > BACKLOG_BYTES_MAX and not stop.is_set():
            if self._steady_s() > deadline_s:
                raise ConnectionLost(f"the disk has not kept up for {ROOM_WAIT_S:g} s")
            stop.wait(ROOM_LOOK_S)

    def _post(self, count: int, call: Callable[..., None], *arguments: Any) -> None:
        self._inbox.append((count, call, arguments))
        self._posted += count
        backlog = self._posted - self._digested
        # Where others wait already, the recorder knows, and has no reason to sleep.
        if backlog == count or backlog >= DIGEST_MESSAGES_MAX:
            self._announce(backlog)

    def _receive(self, ts: int, now_s: float, messages: list[bytes], size: int) -> None:
        self._bytes_digested += size
        self._seen = ts, now_s
        self.feed.receive(ts, now_s, messages)

    def _open(self, number: int, ts: int, now_s: float) -> None:
        self._seen = ts, now_s
        self.feed.connected(ts, now_s, self._url)
        self._feed_connection = number

    def _close(self, ts: int, reason: str) -> None:
        self._feed_connection = 0
        self.feed.disconnected(ts, reason)

    def _heed(self, wait_s: float, reason: str) -> None:
        """Let the other sockets of this address wait as well: the refusal is meant for all."""
        self._post(1, self.feed.connection_refused, self._clock_ns(), wait_s, reason)
        if self._connect_cost:
            self._ban(wait_s, self._connect_cost.limit)

    def _fail(self, lost: ConnectionLost) -> None:
        if str(lost) != self.error:
            _log.warning("connection lost", extra={"url": self._url, "why": str(lost)})
        self.error = str(lost)
