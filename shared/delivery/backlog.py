"""Keeps the backlog of a journal: its bytes that the writer has not committed yet."""

from collections import deque
from typing import Final

MARK_BYTES: Final = 256 * 1024  # between two marks: the count is exact to this many bytes


class Backlog:
    """Counts the bytes appended, in one thread, less the bytes committed, in another."""

    def __init__(self, size: int, next_number: int) -> None:
        """Begin with a journal of this size, none of it known to be committed."""
        self._next = next_number
        self._total = size
        self._settled = 0
        self._marks: deque[tuple[int, int]] = deque([(next_number, size)])

    @property
    def bytes(self) -> int:
        """Return the waiting bytes; any thread may ask."""
        return self._total - self._settled

    def add(self, size: int, next_number: int) -> None:
        """Count a record, and the number that follows it."""
        self._next = next_number  # first: a thread that sees the new total sees this too
        self._total += size
        if not self._marks or self._total - self._marks[-1][1] >= MARK_BYTES:
            self._marks.append((next_number, self._total))

    def settle_committed(self, committed: int) -> None:
        """Subtract the events below this number."""
        total = self._total
        if committed >= self._next:
            self._settled = max(self._settled, total)
        while self._marks and self._marks[0][0] <= committed:
            self._settled = max(self._settled, self._marks.popleft()[1])
