"""Counts of messages that become no event, each under what it was."""

from collections import Counter
from typing import Final

NAMES_MAX: Final = 100  # counted apart in one tally
NAME_CHARACTERS_MAX: Final = 40
OTHERS: Final = "others"
UNPRINTABLE: Final = "unprintable"


class Tally(Counter[str]):
    """How often each name came; the names are the exchange's, so they are bounded."""

    def note(self, name: str) -> None:
        """Count one; where there are too many names already, among the others."""
        name = name[:NAME_CHARACTERS_MAX]
        if not name.isprintable():  # a terminal will show it
            name = UNPRINTABLE
        self[name if name in self or len(self) < NAMES_MAX else OTHERS] += 1


class Counts:
    """What one connection brought besides events."""

    def __init__(self) -> None:
        """Start at 0."""
        self.chatter = Tally()  # known to mean nothing to us
        self.unknown = Tally()  # of a kind that the exchange had not when our parser was written
        self.refused = Tally()  # by what was asked for
        self.malformed = 0
        self.not_asked_for = 0
        self.snapshots_not_asked_for = 0
        self.snapshots_late = 0  # older than the changes that had to follow them
        self.audits = 0
        self.audits_unanswered = 0  # in time, however often they were asked for
        self.tickers_doubted = 0  # after audits that agreed with the book

    def copy(self) -> "Counts":
        """Return them as they stand, for another thread to read."""
        copy = Counts()
        for name, value in vars(self).items():
            setattr(copy, name, Tally(value) if isinstance(value, Tally) else value)
        return copy
