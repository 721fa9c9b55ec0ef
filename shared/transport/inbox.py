"""The inbox of one feed holds messages until the recorder digests them.

A reader's thread appends, the recorder's takes; neither waits for the other. The feed's requests
to the exchange go back the same way.
"""

from collections import deque
from collections.abc import Callable
from typing import ClassVar, Final

from msgspec import Struct

from booktape.errors import BooktapeError
from shared.errors import ConnectionLost
from shared.event import Snapshot

BACKLOG_BYTES_MAX: Final = 16 * 1024 * 1024  # read, not digested: a minute of every market
BACKLOG_MAX: Final = 200_000  # arrivals: a small one takes more memory than its bytes
MESSAGES_EAGER: Final = 256  # about a full frame: the recorder need not wait 20 ms for more


class Opened(Struct, frozen=True):
    """A new connection stands; `number` distinguishes it from earlier ones."""

    number: int
    ts: int
    now_s: float
    url: str
    count: ClassVar[int] = 1
    size: ClassVar[int] = 0


class SocketRead(Struct, frozen=True, gc=False):
    """The messages of one read, their count and bytes, and the time of the read."""

    ts: int
    now_s: float
    messages: list[bytes]
    count: int
    size: int


class Polled(Struct, frozen=True):
    """The answer to a request for one book: the book, or the error."""

    ts: int
    now_s: float
    raw_symbol: str
    outcome: Snapshot | BooktapeError
    size: int  # in memory, roughly
    count: ClassVar[int] = 1


class TurnedAway(Struct, frozen=True):
    """The exchange refuses connections for `wait_s`."""

    ts: int
    wait_s: float
    reason: str
    count: ClassVar[int] = 1
    size: ClassVar[int] = 0


class Closed(Struct, frozen=True):
    """The connection is gone."""

    ts: int
    reason: str
    count: ClassVar[int] = 1
    size: ClassVar[int] = 0


class Over(Struct, frozen=True):
    """The end: nothing more comes."""

    ts: int
    count: ClassVar[int] = 1
    size: ClassVar[int] = 0


Arrival = Opened | SocketRead | Polled | TurnedAway | Closed | Over


class Inbox:
    """Passes messages from the thread that reads for one feed to the recorder's, the feed's owner.

    Each count and each value has one writing thread, so the inbox needs no lock. If several threads
    append, they bring their own lock.
    """

    def __init__(self, announce: Callable[[int], None]) -> None:
        """Start empty; `announce` tells the recorder how many messages wait."""
        self._announce = announce
        self._arrivals: deque[Arrival] = deque()
        self._appended = self._appended_bytes = 0
        self._taken = self._taken_bytes = 0
        # Each request names its connection: the feed lags behind the socket.
        self.outbox: deque[tuple[int, str]] = deque()
        self.given_up: tuple[int, ConnectionLost] | None = None
        self.flowing = 0  # the number of the latest connection that brought data

    @property
    def appended(self) -> int:
        """Return the count of all appended messages; the reader's thread may ask."""
        return self._appended

    @property
    def backlog(self) -> int:
        """Return how many messages wait; both threads may ask."""
        return max(0, self._appended - self._taken)

    @property
    def is_full(self) -> bool:
        """Return whether the reader must stop until the recorder has digested more."""
        size = self._appended_bytes - self._taken_bytes
        return size > BACKLOG_BYTES_MAX or self._appended - self._taken > BACKLOG_MAX

    @property
    def received_bytes(self) -> int:
        """Return how many bytes came so far; any thread may ask."""
        return self._appended_bytes

    def append(self, arrival: Arrival) -> None:
        """Append an arrival; the reader's thread calls."""
        self._arrivals.append(arrival)
        count = arrival.count
        self._appended += count
        self._appended_bytes += arrival.size
        backlog = self._appended - self._taken
        # If others wait already, the recorder is awake.
        if backlog == count or backlog >= MESSAGES_EAGER:
            self._announce(backlog)

    def take(self) -> Arrival | None:
        """Return the oldest item, if any; the recorder's thread calls."""
        if not self._arrivals:
            return None
        arrival = self._arrivals.popleft()
        self._taken += arrival.count
        self._taken_bytes += arrival.size
        return arrival
