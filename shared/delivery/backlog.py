"""Counts the bytes of a journal that the writer has not committed yet."""

from collections import deque
from typing import Final

MARK_BYTES: Final = 256 * 1024  # between two marks: so exact it is where not all is committed


class Backlog:
    """How much was appended, and how much of that is settled; one thread does either."""

    def __init__(self, size: int, next_number: int) -> None:
        """Begin with a journal of this size, of which nothing is known to be committed."""
        self._next = next_number
        self._total = size
        self._settled = 0
        self._marks: deque[tuple[int, int]] = deque([(next_number, size)])

    @property
    def bytes(self) -> int:
        """Return what waits; any thread may ask."""
        return self._total - self._settled

    def add(self, size: int, next_number: int) -> None:
        """Count a record, and the number that follows it."""
        self._next = next_number  # first: whoever sees the new total sees this as well
        self._total += size
        if not self._marks or self._total - self._marks[-1][1] >= MARK_BYTES:
            self._marks.append((next_number, self._total))

    def settle_committed(self, committed: int) -> None:
        """Leave out what lies below this number."""
        total = self._total
        if committed >= self._next:
            self._settled = max(self._settled, total)
        while self._marks and self._marks[0][0] <= committed:
            self._settled = max(self._settled, self._marks.popleft()[1])
