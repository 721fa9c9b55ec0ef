"""The recorder's intake collects rows from all other threads, whose messages wake the recorder."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from shared.event import Row
from shared.process.alarm import Alarm
from shared.transport.inbox import MESSAGES_EAGER

ROWS_MAX: Final = 10_000  # of our own: a disk that takes nothing must not fill the memory
IDLE_S: Final = 0.1  # between two looks at what is due


class RowSource(Protocol):
    """A source of messages, with the feed that makes rows of them."""

    @property
    def backlog(self) -> int:
        """Return how many messages wait to be digested."""
        ...

    def digest(self) -> Iterator[list[Row]]:
        """Yield the rows of some messages, and of chores that are due."""
        ...


class Intake:
    """Passes rows and messages from all other threads to the recorder's.

    Any thread may `record`, `attach` and `announce`; the recorder's alone does the rest. The rows
    recorded here are about ourselves: a few an hour, which wait for no room.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.sources: list[RowSource] = []
        self._rows: deque[Row] = deque()
        self._alarm = Alarm()
        self._is_idle = False

    def record(self, rows: Iterable[Row]) -> None:
        """Record rows of our own."""
        self._rows.extend(rows)
        if self._is_idle and self._rows:
            self._alarm.ring()

    @property
    def has_room(self) -> bool:
        """Return whether rows that can wait may be recorded; any thread may ask."""
        return len(self._rows) < ROWS_MAX

    def attach(self, source: RowSource) -> None:
        """Record the messages of this source as well from now on."""
        self.sources.append(source)

    def announce(self, backlog: int) -> None:
        """Take note that a source has messages."""
        if self._is_idle or backlog >= MESSAGES_EAGER:
            self._alarm.ring()

    @property
    def has_work(self) -> bool:
        """Return whether anything waits."""
        return bool(self._rows) or any(source.backlog for source in self.sources)

    def take(self) -> list[Row]:
        """Return the rows that came since the last time."""
        return [self._rows.popleft() for _ in range(len(self._rows))]

    def wait(self, timeout_s: float) -> None:
        """Wait so long, or until too many messages wait."""
        self._alarm.wait(timeout_s)

    def sleep(self) -> bool:
        """Wait for the next message, until a chore may be due; return whether one came.

        Sleeping is cheaper than a look each 20 ms.
        """
        self._is_idle = True
        # Messages that came before the line above woke nobody.
        has_come = self.has_work or self._alarm.wait(IDLE_S)
        self._is_idle = False
        return has_come
