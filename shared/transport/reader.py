"""The reader keeps sockets open for ever, by turns: connect, receive, reconnect."""

import time
from collections.abc import Callable, Container, Sequence
from concurrent.futures import Future, wait
from functools import partial
from threading import Event
from typing import Any, Final

from msgspec.structs import replace

from shared.errors import ConnectionLost
from shared.exchange import Cost
from shared.feed.board import Board
from shared.process import log
from shared.process.retry import Backoff
from shared.transport.connection import Connection
from shared.transport.inbox import Closed, Inbox, Opened, Over, SocketRead, TurnedAway
from shared.transport.nap import Naps
from shared.transport.pace import Pace, count_wakes
from shared.transport.standstill import Standstill

RECEIVE_S: Final = 0.1  # the longest that a turn only reads its socket
CONNECT_LOOK_S: Final = 0.02  # between two looks at a connection under way
CLOSE_S: Final = 2.0  # at the end, for all sockets to hang up
ROOM_WAIT_S: Final = 5.0  # for a slow disk; a longer wait would miss pongs
ROOM_LOOK_S: Final = 0.005
LIMIT_LOOK_S: Final = 60.0  # the longest wait before we ask the limit again
PAUSE_LOOK_S: Final = 1.0

_log = log.get(__name__)


class Reader:
    """Gives each of its sockets its turn; its own thread owns it and the sockets."""

    def __init__(
        self,
        sockets: Sequence["Socket"],
        interval_s: float = 0.0,
        *,
        steady_s: Callable[[], float],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Prepare to read these sockets every `interval_s`; another thread may append to them.

        With an interval of 0, for one socket, the reader waits for each message. It does so with
        several sockets too while few messages come.
        """
        self._sockets = sockets
        self._interval_s = interval_s
        self._naps = Naps(interval_s, steady_s, sleep)
        self._steady_s = steady_s

    def run(self, stop: Event) -> None:
        """Read until told to stop; whatever the exchange does, go on."""
        if self._interval_s:
            self._poll(stop)
        else:
            while not stop.is_set():
                wait_s = min(socket.turn(RECEIVE_S) for socket in tuple(self._sockets))
                if wait_s:
                    stop.wait(wait_s)
        wait([socket.end() for socket in self._sockets], CLOSE_S)

    def _poll(self, stop: Event) -> None:
        """Give a turn to each socket that has something to do, every `RECEIVE_S` to all."""
        readable: set[int] = set()
        all_due_s = 0.0
        while not stop.is_set():
            due = sockets = tuple(self._sockets)
            if self._steady_s() < all_due_s:
                due = tuple(one for one in sockets if one.is_due(readable))
            else:
                all_due_s = self._steady_s() + RECEIVE_S
            waits_s = [one.turn(0.0, is_readable=one.descriptor in readable) for one in due]
            wait_s = min(waits_s, default=0.0) if due == sockets else 0.0
            polled = [one.descriptor for one in sockets if one.descriptor is not None]
            received = sum(one.received for one in sockets)
            readable = self._naps.take(polled, wait_s, stop, received=received)


class Socket:
    """Keeps one connection up, and puts all its messages into an inbox.

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
        read_interval_s: float,
        start: Callable[[Callable[[], object]], Future[Any]],
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
        pause: Event,
    ) -> None:
        """Prepare; `pause` closes the connection and keeps it closed while it is set.

        A message may wait `read_interval_s` to be read with others. `start` runs slow calls on
        another thread: to connect, to hang up.
        """
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
        self._read_interval_s = read_interval_s
        self._start = start
        self._connection: Connection | None = None
        self._connecting: Future[Connection] | None = None
        self._pace = Pace(read_interval_s, count_wakes)
        self._number = 0  # of the connection
        self._due_s = 0.0  # the next look, without a connection
        self._full_since_s: float | None = None  # since when the inbox is full, if connected
        self._standstill = Standstill()

    @property
    def received(self) -> int:
        """Return the count of arrivals so far: messages, and news of the connection."""
        return self._inbox.appended

    @property
    def descriptor(self) -> int | None:
        """Return the descriptor to poll for messages; `None` if the socket would not read now."""
        if self._connection is None or self._full_since_s is not None:
            return None
        return self._connection.descriptor

    def is_due(self, readable: Container[int]) -> bool:
        """Return whether it has bytes to read, a message to send, or no connection."""
        descriptor = self.descriptor
        return descriptor is None or descriptor in readable or bool(self._inbox.outbox)

    def turn(self, receive_s: float, *, is_readable: bool = True) -> float:
        """Do all that is due; return the seconds until the next turn.

        While connected and readable, wait up to `receive_s` for a message.
        """
        if (connecting := self._connecting) is not None:
            return self._settle_connect(connecting) if connecting.done() else CONNECT_LOOK_S
        if self._connection is None:
            wait_s = self._due_s - self._steady_s()
            return wait_s if wait_s > 0.0 else self._open()
        try:
            return self._read(self._connection, receive_s, is_readable=is_readable)
        except ConnectionLost as lost:
            self._fail(lost)
            self._close(self._connection, lost.reason, is_lost=True)
            return self._wait(self._backoff.next_s())

    def end(self) -> Future[None]:
        """Hang up and mark the inbox as over; the result is done when the socket is closed."""
        closing: Future[None] = Future()
        if self._connecting is not None:
            self._connecting.add_done_callback(_close_unused)
        if self._connection is not None:
            closing = self._close(self._connection, "stopped", is_lost=False)
        else:
            closing.set_result(None)
        self._inbox.append(Over(self._clock_ns()))
        return closing

    def _open(self) -> float:
        if self._pause.is_set() or self._inbox.is_full:
            return self._wait(PAUSE_LOOK_S)
        wait_s = self._spend(self._connect_cost) if self._connect_cost else 0.0
        if wait_s:
            return self._wait(min(wait_s, LIMIT_LOOK_S))
        connecting = self._start(partial(self._connect, self._url))
        if connecting.done():
            return self._settle_connect(connecting)
        self._connecting = connecting
        return CONNECT_LOOK_S

    def _settle_connect(self, connecting: "Future[Connection]") -> float:
        """Take over the connection, or note the failure."""
        self._connecting = None
        try:
            self._connection = connecting.result()
        except ConnectionLost as lost:
            self._fail(lost)
            if lost.retry_after_s is not None:
                self._heed(lost.retry_after_s, lost.reason)
            return self._wait(self._backoff.next_s(at_least_s=lost.retry_after_s or 0.0))
        self._number += 1
        self._pace = Pace(self._read_interval_s, count_wakes)
        opened = Opened(self._number, self._clock_ns(), self._steady_s(), self._url)
        self._inbox.append(opened)
        self._link(is_connected=True, down_since_s=None, error="")
        return 0.0

    def _wait(self, wait_s: float) -> float:
        self._due_s = self._steady_s() + wait_s
        return wait_s

    def _read(self, connection: Connection, receive_s: float, *, is_readable: bool) -> float:
        if self._pause.is_set():
            self._close(connection, "the disk is full", is_lost=False)
            return 0.0
        if stood_s := self._standstill.look(self._clock_ns(), self._steady_s()):
            raise ConnectionLost(f"this process or its clock stood still for {stood_s:.1f} s")
        given_up = self._inbox.given_up
        if given_up and given_up[0] == self._number:
            raise given_up[1]
        if self._is_without_room():
            return ROOM_LOOK_S
        if is_readable or connection.has_more:
            self._pump(connection, receive_s)
        else:
            self._send(connection)
        return 0.0

    def _pump(self, connection: Connection, receive_s: float) -> None:
        """Read for up to `RECEIVE_S`, with as little work for each message as possible."""
        inbox, clock_ns, steady_s = self._inbox, self._clock_ns, self._steady_s
        pace, read_interval_s = self._pace, self._read_interval_s
        until_s = steady_s() + RECEIVE_S
        while True:
            if inbox.outbox:
                self._send(connection)
            if pace.is_batched and receive_s:  # else other sockets would wait for this batch
                messages = connection.recv_batch(read_interval_s)
            else:
                messages = connection.recv(receive_s)
            ts, now_s = clock_ns(), steady_s()
            pace.count(len(messages), now_s)
            if not messages:
                return
            inbox.append(SocketRead(ts, now_s, messages, len(messages), sum(map(len, messages))))
            if (connection.is_drained and not receive_s) or now_s >= until_s or inbox.is_full:
                return

    def _send(self, connection: Connection) -> None:
        outbox = self._inbox.outbox
        while outbox:
            number, message = outbox.popleft()
            if number == self._number:
                connection.send(message)

    def _is_without_room(self) -> bool:
        """Return whether to stop reading until the recorder has digested more.

        Reading on would fill the memory. After `ROOM_WAIT_S` we give up the connection, which
        makes a row like every outage.
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

    def _close(self, connection: Connection, reason: str, *, is_lost: bool) -> Future[None]:
        """Start to hang up; the result is done when the socket is closed."""
        self._connection, self._full_since_s = None, None
        self._standstill.forget()
        again = self._board.link.reconnects + is_lost
        self._link(is_connected=False, down_since_s=self._steady_s(), reconnects=again)
        if self._inbox.flowing == self._number:
            self._backoff.reset()
        self._inbox.append(Closed(self._clock_ns(), reason))
        return self._start(connection.close)

    def _heed(self, wait_s: float, reason: str) -> None:
        """Make the other sockets of this address wait too: the refusal means them all."""
        self._inbox.append(TurnedAway(self._clock_ns(), wait_s, reason))
        if self._connect_cost:
            self._ban(wait_s, self._connect_cost.limit)

    def _fail(self, lost: ConnectionLost) -> None:
        if lost.reason != self._board.link.error:
            _log.warning("connection lost", extra={"url": self._url, "reason": lost.reason})
        self._link(error=lost.reason)

    def _link(self, **changes: object) -> None:
        self._board.link = replace(self._board.link, **changes)


def _close_unused(connecting: "Future[Connection]") -> None:
    """Close a connection that stands but will have no reader."""
    if connecting.exception() is None:
        connecting.result().close()
