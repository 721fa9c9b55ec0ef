"""Schedules passes over the tape, and keeps the result of the last one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE

# Behind midnight, when a day may be over: its last flushes are stored by then, even late ones.
AFTER_MIDNIGHT_S: Final = 3600
RETRY_S: Final = 3600  # where a day could not be certified, or was not over yet
LATE_DAYS: Final = 7
FAULT_CHARACTERS_MAX: Final = 300
_DAY_S: Final = 86_400
_NS: Final = 1_000_000_000


class DaySaid(Struct, frozen=True):
    """A day's result from `booktape certify --json`: certified, or why not."""

    exchange: str
    date: str
    condition: str | None = None
    not_over: str | None = None
    fault: str | None = None


class Pass(Struct, frozen=True):
    """The result of one pass; `fault` concerns all of it."""

    days: list[DaySaid]
    fault: str | None = None
    report_fault: str | None = None

    def find_faults(self) -> list[str]:
        """Return why days could not be certified."""
        found = [self.fault] if self.fault else []
        found += [day.fault for day in self.days if day.fault]
        return [fault[:FAULT_CHARACTERS_MAX] for fault in found]

    def count_certified(self) -> int:
        """Return how many days have a new certificate."""
        return sum(day.condition is not None for day in self.days)

    def find_late(self, now_ns: int) -> list[str]:
        """Return the days of a week ago and before that have no certificate."""
        last = _date(now_ns) - timedelta(days=LATE_DAYS)
        return [
            f"{day.exchange} {day.date}"
            for day in self.days
            if day.condition is None and date.fromisoformat(day.date) <= last
        ]

    def find_next(self, now_ns: int) -> int:
        """Return when the next pass is due: after the next midnight, or sooner to try again.

        The day of today is never over; one before it may become so at any time.
        """
        midnight_s = (now_ns // _NS // _DAY_S + 1) * _DAY_S + AFTER_MIDNIGHT_S
        today = _date(now_ns).isoformat()
        is_due = bool(self.fault or self.report_fault) or any(
            day.condition is None and day.date < today for day in self.days
        )
        retry_ns = now_ns + RETRY_S * _NS
        return min(midnight_s * _NS, retry_ns) if is_due else midnight_s * _NS


_decoder = msgspec.json.Decoder(list[DaySaid])


def read_pass(status: int, said: bytes, complaint: str) -> Pass:
    """Return what a pass said that ended with this status."""
    try:
        return Pass(_decoder.decode(said))
    except UNDECODABLE:
        return Pass([], find_reason(status, complaint))


def find_reason(status: int, complaint: str) -> str:
    """Return why a child failed: the last that it said, at most so much of it."""
    reason = complaint.strip().rpartition("\n")[2] or f"it ended with status {status}"
    return reason[:FAULT_CHARACTERS_MAX]


def format_days(days: Sequence[str], count_max: int = 10) -> str:
    """Return the first of them, and how many more there are."""
    more = f" and {len(days) - count_max} more" if len(days) > count_max else ""
    return ", ".join(days[:count_max]) + more


def _date(now_ns: int) -> date:
    return datetime.fromtimestamp(now_ns // _NS, UTC).date()
