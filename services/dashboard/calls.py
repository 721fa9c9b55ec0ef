"""Decides which calls are due: a trouble has stood for a while, or all troubles are over.

A trouble that comes and goes counts as one. It is over once it has been gone for as long as a
trouble must stand before a call, but at most a minute.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from services.dashboard.sight import Complaint

GONE_S: Final = 60.0
REASONS_MAX: Final = 20  # in one text

Key = tuple[str, str | None, str | None]


class Notice(Struct, frozen=True):
    """The content of a call: standing troubles, or troubles that are over."""

    ok: bool
    standing: list[Complaint]
    over: list[Complaint]
    keys: frozenset[Key]

    def describe(self, host: str) -> str:
        """Return the notice as text."""
        if self.ok:
            head = f"booktape on {host}: all well again. It was:"
        else:
            head = f"booktape on {host}: {len(self.standing)} not well"
        troubles = self.over if self.ok else self.standing
        lines = [f"- {trouble.sentence}" for trouble in troubles[:REASONS_MAX]]
        more = len(troubles) - REASONS_MAX
        return "\n".join([head, *lines, *([f"- and {more} more"] if more > 0 else [])])


class Calls:
    """Remembers the troubles that a call has named, and finds the next call; one thread owns it."""

    def __init__(self, *, after_s: float, repeat_s: float) -> None:
        """Start without a call."""
        self._after_s = after_s
        self._gone_s = min(after_s, GONE_S)
        self._repeat_s = repeat_s
        self._since_s: dict[Key, float] = {}  # the beginning of each trouble
        self._last_s: dict[Key, float] = {}  # the last sight of each trouble
        self._known: dict[Key, Complaint] = {}  # each trouble in its latest words
        self._told: frozenset[Key] = frozenset()
        self._told_s = 0.0
        self._is_unsure = False  # whether the call came through

    def look(self, complaints: Sequence[Complaint], now_s: float) -> Notice | None:
        """Note the present troubles; return the notice that is due."""
        for complaint in complaints:
            key = complaint.code, complaint.process, complaint.exchange
            self._since_s.setdefault(key, now_s)
            self._last_s[key] = now_s
            self._known[key] = complaint
        gone = [key for key, last_s in self._last_s.items() if now_s - last_s > self._gone_s]
        over = [self._known[key] for key in gone if key in self._told]
        for key in gone:
            if key not in self._told:  # keep a named one until a call about its end
                self._forget(key)
        firm = [
            key
            for key, since_s in self._since_s.items()
            if key not in gone and now_s - since_s >= self._after_s
        ]
        keys = frozenset(firm)
        is_new = bool(keys - self._told)
        is_over = bool(self._told) and not keys
        is_due_again = bool(keys) and now_s - self._told_s >= self._repeat_s
        if not (is_new or is_over or is_due_again or (keys and self._is_unsure)):
            return None
        return Notice(not keys, [self._known[key] for key in firm], over, keys)

    def note_told(self, call: Notice, now_s: float, *, is_unsure: bool = False) -> None:
        """Note that a call came through. An unsure one is repeated, and its end is called, too."""
        self._is_unsure = is_unsure
        for key in self._told - call.keys:
            if now_s - self._last_s.get(key, now_s) > self._gone_s:
                self._forget(key)
        self._told, self._told_s = call.keys, now_s

    def _forget(self, key: Key) -> None:
        for table in (self._since_s, self._last_s, self._known):
            table.pop(key, None)
