"""Reports refusals: logs each kind of unreadable message once, finds channels with many."""

from collections import Counter, deque
from collections.abc import Sequence
from logging import ERROR, WARNING
from math import inf
from typing import Final

from shared.feed.counts import UNKNOWN_CHANNEL, Counts
from shared.process import log

WINDOW_S: Final = 60.0
SHARE_MIN: Final = 0.01  # of a channel's messages in the window: more than an accident
COUNT_MIN: Final = 3

_log = log.get(__name__)
_Sums = tuple[Counter[str], Counter[str]]  # readable and unreadable messages of each channel


class Refusals:
    """Watches the counts of all connections, once a second; the main thread owns it."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._told: set[str] = set()
        self._seen: deque[tuple[float, _Sums]] = deque([(-inf, (Counter(), Counter()))])

    def look(self, counts: Sequence[Counts], *, now_s: float) -> list[str]:
        """Log new kinds; return the channels with too many unreadable messages."""
        read, not_read = Counter[str](), Counter[str]()
        for each in counts:
            self._tell(ERROR, "cannot read messages", each.malformed_reasons)
            self._tell(WARNING, "cannot read values: null on the tape", each.unread)
            read.update(each.read)
            not_read.update(each.not_read)
        self._seen.append((now_s, (read, not_read)))
        while self._seen[1][0] <= now_s - WINDOW_S:
            self._seen.popleft()
        read_before, not_read_before = self._seen[0][1]
        return sorted(_find_many(read - read_before, not_read - not_read_before))

    def _tell(self, level: int, message: str, kinds: Counter[str]) -> None:
        for kind in kinds.keys() - self._told:
            self._told.add(kind)
            _log.log(level, message, extra={"kind": kind, "count": kinds[kind]})


def _find_many(read: Counter[str], not_read: Counter[str]) -> list[str]:
    # A message of an unknown channel may belong to any channel.
    read[UNKNOWN_CHANNEL] = read.total()
    return [
        channel
        for channel, count in not_read.items()
        if count >= COUNT_MIN and count >= SHARE_MIN * (read[channel] + count)
    ]
