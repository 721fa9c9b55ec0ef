"""Compares this disk's record of a session with the store's ledger."""

from typing import Final

from booktape.errors import TapeError
from booktape.keys import LEDGER, exchange_of, parse_key
from booktape.store.protocol import Store

COMPARED_MAX: Final = 1000  # sessions
Range = tuple[int, int]


class StoredRanges:
    """Reads from a store's manifests how much it has of some sessions.

    A state folder may be older than the store: restored from a snapshot, or cloned with its box.
    The folder itself does not show it. But the store then has event numbers that it would get once
    more, in other flushes.
    """

    def __init__(self, store: Store) -> None:
        """Start without a question to the store."""
        self._store = store
        self._stored: dict[str, set[Range]] = {}  # of each compared session

    def find_next(self, session: str) -> int:
        """Ask the store for a session; return the event number after its stored events."""
        ranges = self._list({session: 0})[session]
        return max((last + 1 for _, last in ranges), default=0)

    def is_compared(self, session: str) -> bool:
        """Return whether the store answered for this session already."""
        return session in self._stored

    def compare(self, sessions: dict[str, int]) -> None:
        """Ask the store for its ranges of one exchange's sessions, each from this number on."""
        self._stored |= self._list(sessions)
        for session in list(self._stored)[: max(0, len(self._stored) - COMPARED_MAX)]:
            if session not in sessions:
                del self._stored[session]  # if it comes again, we ask the store again

    def find_overlap(self, session: str, first: int, last: int) -> Range | None:
        """Return the part of these events that the store has in other flushes, if any.

        The very same range does not count: the uploader compares its objects when it puts them.
        """
        ranges = self._stored[session]
        if (first, last) in ranges:
            return None
        found = [r for r in ranges if r[0] <= last and first <= r[1]]
        if not found:
            return None
        return max(first, min(r[0] for r in found)), min(last, max(r[1] for r in found))

    def _list(self, sessions: dict[str, int]) -> dict[str, set[Range]]:
        """Return each session's stored ranges that end at its number or later."""
        found: dict[str, set[Range]] = {session: set() for session in sessions}
        for exchange in {exchange_of(session) for session in sessions}:
            for info in self._store.list(f"{LEDGER}exchange={exchange}/"):
                try:
                    key = parse_key(info.key)
                except TapeError:  # somebody else's object
                    continue
                if key.session in sessions and key.last >= sessions[key.session]:
                    found[key.session].add((key.first, key.last))
        return found
