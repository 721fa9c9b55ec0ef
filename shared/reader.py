"""One socket, read for ever: connect, receive, reconnect."""

from collections.abc import Callable
from threading import Event
from typing import Final

from shared import log
from shared.connection import Connection
from shared.errors import ConnectionLost
from shared.exchange import Cost
from shared.feed import Feed
from shared.retry import Backoff

RECEIVE_S: Final = 0.1  # at most, before the chores are looked at again
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
    ) -> None:
        """Prepare; `pause` closes the connection and keeps it closed while it is set."""
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

    def _read(self, connection: Connection, stop: Event) -> None:
        self.feed.connected(self._clock_ns(), self._steady_s(), self._url)
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
            connection.close()
            self.feed.disconnected(self._clock_ns(), reason)

    def _pump(self, connection: Connection, stop: Event) -> None:
        feed, clock_ns, steady_s = self.feed, self._clock_ns, self._steady_s
        while not stop.is_set() and not self._pause.is_set():
            for message in feed.chores(clock_ns(), steady_s()):
                connection.send(message)
            messages = connection.recv(RECEIVE_S)
            ts, now_s = clock_ns(), steady_s()
            for raw in messages:
                feed.receive(ts, now_s, raw)
            if feed.is_flowing:
                self._backoff.reset()

    def _heed(self, wait_s: float, reason: str) -> None:
        """Let the other sockets of this address wait as well: the refusal is meant for all."""
        self.feed.connection_refused(self._clock_ns(), wait_s, reason)
        if self._connect_cost:
            self._ban(wait_s, self._connect_cost.limit)

    def _fail(self, lost: ConnectionLost) -> None:
        if str(lost) != self.error:
            _log.warning("connection lost", extra={"url": self._url, "why": str(lost)})
        self.error = str(lost)
