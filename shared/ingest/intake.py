"""The recorder's intake collects rows from all other threads, whose messages wake the recorder."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from shared.event import Row
from shared.process.alarm import Alarm
from shared.transport.inbox import MESSAGES_EAGER

ROWS_MAX: Final = 10_000  # of our own: while the disk takes nothing, the memory must not fill
IDLE_S: Final = 0.1  # between two looks for due chores


class RowSource(Protocol):
    """A source of messages, and the feed that turns them into rows."""

    @property
    def backlog(self) -> int:
        """Return how many messages wait for the recorder."""
        ...

    def digest(self) -> Iterator[list[Row]]:
        """Yield the rows of some messages and of due chores."""
        ...


class Intake:
    """Passes rows and messages from all other threads to the recorder's.

    Any thread may `record`, `attach` and `announce`; the recorder's alone does the rest. Rows
    recorded here are about ourselves, a few an hour, so `record` never waits for room.
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
        """Record this source's messages too, from now on."""
        self.sources.append(source)

    def announce(self, backlog: int) -> None:
        """Take note that a source has messages."""
        if self._is_idle or backlog >= MESSAGES_EAGER:
            self._alarm.ring()

    @property
    def has_work(self) -> bool:
        """Return whether rows or messages wait."""
        return bool(self._rows) or any(source.backlog for source in self.sources)

    def take(self) -> list[Row]:
        """Return the rows recorded since the last call."""
        return [self._rows.popleft() for _ in range(len(self._rows))]

    def wait(self, timeout_s: float) -> None:
        """Wait for `timeout_s`, or until many messages wait."""
        self._alarm.wait(timeout_s)

    def sleep(self) -> bool:
        """Wait for the next message until a chore may be due; return whether a message came.

        Sleeping is cheaper than a look every 20 ms.
        """
        self._is_idle = True
        # A message that came before the line above rang no alarm.
        has_come = self.has_work or self._alarm.wait(IDLE_S)
        self._is_idle = False
        return has_come
