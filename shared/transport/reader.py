"""Reads sockets for ever, each in turns: connect, receive, reconnect."""

from collections.abc import Callable, Sequence
from threading import Event
from typing import Final

from msgspec.structs import replace

from shared.errors import ConnectionLost
from shared.exchange import Cost
from shared.feed.board import Board
from shared.process import log
from shared.process.retry import Backoff
from shared.transport.connection import Connection
from shared.transport.inbox import Closed, Inbox, Opened, Over, SocketRead, TurnedAway

RECEIVE_S: Final = 0.1  # at most, before a turn looks at anything but its socket
READ_INTERVAL_S: Final = 0.02  # where a thread has several sockets, none of which may be waited for
ROOM_WAIT_S: Final = 5.0  # for a slow disk; who waits longer misses its pongs
ROOM_LOOK_S: Final = 0.005
LIMIT_LOOK_S: Final = 60.0  # at most, before the limit is asked again
PAUSE_LOOK_S: Final = 1.0
STANDSTILL_S: Final = 10.0  # between two turns: whoever slept so long has missed what went on

_log = log.get(__name__)


class Reader:
    """Gives each of its sockets its turn; its own thread owns it, and all of them."""

    def __init__(self, sockets: Sequence["Socket"]) -> None:
        """Prepare to read these."""
        self._sockets = sockets
        is_alone = len(sockets) == 1
        self._receive_s = RECEIVE_S if is_alone else 0.0
        self._interval_s = 0.0 if is_alone else READ_INTERVAL_S

    def run(self, stop: Event) -> None:
        """Read until told to stop; whatever the exchange does, go on."""
        while not stop.is_set():
            wait_s = min(socket.turn(self._receive_s) for socket in self._sockets)
            wait_s = max(wait_s, self._interval_s)
            if wait_s:
                stop.wait(wait_s)
        for socket in self._sockets:
            socket.end()


class Socket:
    """Keeps one connection up and puts everything that it delivers into an inbox.

    Its reader's thread owns it.
    """

    def __init__(
        self,
        inbox: Inbox,
        board: Board,
        *,
        url: str,
        connect: Callable[[str], Connection],
        connect_cost: Cost | None,
        spend: Callable[[Cost], float],
        ban: Callable[[float, str], None],
        backoff: Backoff,
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
        pause: Event,
    ) -> None:
        """Prepare; `pause` closes the connection and keeps it closed while it is set."""
        self._inbox = inbox
        self._board = board
        self._url = url
        self._connect = connect
        self._connect_cost = connect_cost
        self._spend = spend
        self._ban = ban
        self._backoff = backoff
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._pause = pause
        self._connection: Connection | None = None
        self._number = 0  # of the connection
        self._due_s = 0.0  # when to look again, without a connection
        self._full_since_s: float | None = None  # the inbox, while there is a connection
        self._turned: tuple[int, float] | None = None  # time of day and steady, while there is one

    def turn(self, receive_s: float) -> float:
        """Do what is to be done now; return the seconds until the next turn is worth while.

        It takes a connect or, where something may still come, `receive_s` of silence.
        """
        if self._connection is None:
            wait_s = self._due_s - self._steady_s()
            return wait_s if wait_s > 0.0 else self._open()
        try:
            return self._read(self._connection, receive_s)
        except ConnectionLost as lost:
            self._fail(lost)
            return self._close(self._connection, lost.reason, is_lost=True)

    def end(self) -> None:
        """Hang up, and take note that nothing more comes."""
        if self._connection is not None:
            self._close(self._connection, "stopped", is_lost=False)
        self._inbox.append(Over(self._clock_ns()))

    def _open(self) -> float:
        if self._pause.is_set():
            return self._wait(PAUSE_LOOK_S)
        wait_s = self._spend(self._connect_cost) if self._connect_cost else 0.0
        if wait_s:
            return self._wait(min(wait_s, LIMIT_LOOK_S))
        try:
            self._connection = self._connect(self._url)
        except ConnectionLost as lost:
            self._fail(lost)
            if lost.retry_after_s is not None:
                self._heed(lost.retry_after_s, lost.reason)
            return self._wait(self._backoff.next_s(at_least_s=lost.retry_after_s or 0.0))
        self._number += 1
        opened = Opened(self._number, self._clock_ns(), self._steady_s(), self._url)
        self._inbox.append(opened)
        self._link(is_connected=True, down_since_s=None, error="")
        return 0.0

    def _wait(self, wait_s: float) -> float:
        self._due_s = self._steady_s() + wait_s
        return wait_s

    def _read(self, connection: Connection, receive_s: float) -> float:
        if self._pause.is_set():
            return self._close(connection, "the disk is full", is_lost=False)
        self._find_standstill()
        given_up = self._inbox.given_up
        if given_up and given_up[0] == self._number:
            raise given_up[1]
        if self._is_without_room():
            return ROOM_LOOK_S
        self._pump(connection, receive_s)
        return 0.0

    def _find_standstill(self) -> None:
        """Give the connection up where this process or the machine stood still.

        A process that was stopped shows on the steady clock, a machine that slept on the other.
        """
        ts, now_s = self._clock_ns(), self._steady_s()
        if self._turned is not None:
            stood_s = max(now_s - self._turned[1], (ts - self._turned[0]) / 1e9)
            if stood_s > STANDSTILL_S:
                raise ConnectionLost(f"this process or its clock stood still for {stood_s:.1f} s")
        self._turned = ts, now_s

    def _pump(self, connection: Connection, receive_s: float) -> None:
        """Read for a while; what is done for each message is as little as can be."""
        inbox, clock_ns, steady_s = self._inbox, self._clock_ns, self._steady_s
        until_s = steady_s() + RECEIVE_S
        while True:
            if inbox.outbox:
                self._send(connection)
            messages = connection.recv(receive_s)
            ts, now_s = clock_ns(), steady_s()
            if not messages:
                return
            inbox.append(SocketRead(ts, now_s, messages, len(messages), sum(map(len, messages))))
            if now_s >= until_s or inbox.is_full:
                return

    def _send(self, connection: Connection) -> None:
        outbox = self._inbox.outbox
        while outbox:
            number, message = outbox.popleft()
            if number == self._number:
                connection.send(message)

    def _is_without_room(self) -> bool:
        """Return whether to read no more until what was read is digested.

        To read on would fill the memory; the hole that giving up makes is a row like every outage.
        """
        if not self._inbox.is_full:
            self._full_since_s = None
            return False
        now_s = self._steady_s()
        if self._full_since_s is None:
            self._full_since_s = now_s
        elif now_s > self._full_since_s + ROOM_WAIT_S:
            raise ConnectionLost(f"the disk has not kept up for {ROOM_WAIT_S:g} s")
        return True

    def _close(self, connection: Connection, reason: str, *, is_lost: bool) -> float:
        """Hang up; return the seconds to wait before the next connection."""
        self._connection, self._full_since_s, self._turned = None, None, None
        link = self._board.link
        again = link.reconnects + is_lost
        self._link(is_connected=False, down_since_s=self._steady_s(), reconnects=again)
        if self._inbox.flowing == self._number:
            self._backoff.reset()
        connection.close()
        self._inbox.append(Closed(self._clock_ns(), reason))
        return self._wait(self._backoff.next_s()) if is_lost else 0.0

    def _heed(self, wait_s: float, reason: str) -> None:
        """Let the other sockets of this address wait as well: the refusal is meant for all."""
        self._inbox.append(TurnedAway(self._clock_ns(), wait_s, reason))
        if self._connect_cost:
            self._ban(wait_s, self._connect_cost.limit)

    def _fail(self, lost: ConnectionLost) -> None:
        if lost.reason != self._board.link.error:
            _log.warning("connection lost", extra={"url": self._url, "reason": lost.reason})
        self._link(error=lost.reason)

    def _link(self, **changes: object) -> None:
        self._board.link = replace(self._board.link, **changes)
