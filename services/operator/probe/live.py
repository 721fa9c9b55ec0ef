"""Connects a probe to the live world: sockets with a thread each, and REST."""

import queue
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from threading import Event
from typing import Final

from services.operator.probe.record import REST, Kind, ProbeRecord
from shared.errors import ConnectionLost
from shared.process.threads import Threads
from shared.transport.connection import Connection
from shared.transport.rest import RestClient

RECORDS_MAX: Final = 200_000  # records read but not yet judged
RECEIVE_S: Final = 0.05  # our own messages wait as long
END_S: Final = 10.0
ODDITIES: Final[tuple[Kind, Kind, Kind]] = ("ping", "binary", "fragmented")

_Socket = tuple[deque[str], Event]


class LiveWorld:
    """An exchange over the network; the main thread owns it."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        rest: RestClient,
        *,
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
    ) -> None:
        """Prepare; open nothing yet."""
        self._connect = connect
        self._rest = rest
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._threads = Threads()
        self._sockets: dict[str, _Socket] = {}
        self._records: queue.Queue[ProbeRecord] = queue.Queue(RECORDS_MAX)

    def open(self, door: str) -> None:
        """Open a socket; a record shows whether the exchange accepted it."""
        self.close(door)
        try:
            connection = self._connect()
        except ConnectionLost as lost:
            self._put(door, "refused", lost.reason)
            return
        self._put(door, "opened")
        outbox: deque[str] = deque()
        stop = Event()
        self._sockets[door] = outbox, stop
        self._threads.start("probe", partial(self._read, door, connection, outbox), stop)

    def close(self, door: str) -> None:
        """Close a socket, if it is open."""
        if door in self._sockets:
            self._threads.end(self._sockets.pop(door)[1], within_s=END_S)

    def send(self, door: str, text: str) -> None:
        """Send a message and record it, even if the socket is gone."""
        if door in self._sockets:
            self._put(door, "sent", text)
            self._sockets[door][0].append(text)

    def get(self, path: str) -> None:
        """Ask over REST, and wait for the answer."""
        try:
            reply = self._rest.request(path)
        except ConnectionLost as lost:
            self._put(REST, "lost", lost.reason)
            return
        body = reply.body.decode(errors="replace")
        ts = self._clock_ns()
        record = ProbeRecord(
            ts=ts, door=REST, kind="answer", text=body, path=path,
            status=reply.status, headers=dict(reply.headers),
        )  # fmt: skip
        self._records.put(record)

    def wait(self, seconds: float) -> Iterator[ProbeRecord]:
        """Yield the records that come meanwhile."""
        until_s = self._steady_s() + seconds
        while True:
            left_s = until_s - self._steady_s()
            try:
                yield self._records.get(block=left_s > 0.0, timeout=max(left_s, 0.001))
            except queue.Empty:
                return

    def end(self) -> None:
        """Close everything."""
        for door in list(self._sockets):
            self.close(door)
        self._rest.close()

    def _read(self, door: str, connection: Connection, outbox: deque[str], stop: Event) -> None:
        """Read one socket until its end; this thread owns the connection."""
        try:
            while not stop.is_set():
                while outbox:
                    connection.send(outbox.popleft())
                self._receive(door, connection)
        except ConnectionLost as lost:
            self._put(door, "lost", lost.reason)
        else:
            self._put(door, "closed")
        connection.close()

    def _receive(self, door: str, connection: Connection) -> None:
        before = connection.counts
        messages = connection.recv(RECEIVE_S)
        ts, after = self._clock_ns(), connection.counts
        for kind, now, then in zip(ODDITIES, after, before, strict=True):
            for _ in range(now - then):
                self._records.put(ProbeRecord(ts=ts, door=door, kind=kind))
        for message in messages:
            text = bytes(message).decode(errors="replace")
            self._records.put(ProbeRecord(ts=ts, door=door, kind="text", text=text))

    def _put(self, door: str, kind: Kind, text: str = "") -> None:
        self._records.put(ProbeRecord(ts=self._clock_ns(), door=door, kind=kind, text=text))
