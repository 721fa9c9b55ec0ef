"""Defines the facts that the second reading of an exchange finds in one record."""

from dataclasses import dataclass, field
from typing import Any

from services.operator.probe.levels import DecimalBook
from services.operator.probe.record import ProbeRecord


@dataclass(slots=True)
class Fact:
    """One fact: its kind, its market, the JSON as it came.

    `book` is our book of the market on that socket after the fact, if we have one; `other` is a
    whole book of the exchange to compare with it; `last` is the number of the event before.
    """

    kind: str
    record: ProbeRecord
    market: str = ""
    body: Any = field(default_factory=dict)
    book: DecimalBook | None = None
    other: DecimalBook | None = None
    last: int | None = None

    @property
    def ts(self) -> int:
        """Return our time of the fact."""
        return self.record.ts

    @property
    def door(self) -> str:
        """Return the door through which it came."""
        return self.record.door
