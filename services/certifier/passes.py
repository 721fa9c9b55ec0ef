"""Schedules passes over the tape, and keeps the result of the last one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE

# So long after midnight a day may be over: the store has even its late flushes.
AFTER_MIDNIGHT_S: Final = 3600
RETRY_S: Final = 3600  # after a day that failed, or was not over yet
LATE_DAYS: Final = 7
FAULT_CHARACTERS_MAX: Final = 300
_DAY_S: Final = 86_400
_NS: Final = 1_000_000_000


class DaySaid(Struct, frozen=True):
    """A day's result from `booktape certify --json`: certified, or the reason against it."""

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
        """Return each reason why days could not be certified."""
        found = [self.fault] if self.fault else []
        found += [day.fault for day in self.days if day.fault]
        return [fault[:FAULT_CHARACTERS_MAX] for fault in found]

    def count_certified(self) -> int:
        """Return the number of days with a new certificate."""
        return sum(day.condition is not None for day in self.days)

    def find_late(self, now_ns: int) -> list[str]:
        """Return the days at least a week old without a certificate."""
        last = _date(now_ns) - timedelta(days=LATE_DAYS)
        return [
            f"{day.exchange} {day.date}"
            for day in self.days
            if day.condition is None and date.fromisoformat(day.date) <= last
        ]

    def find_next(self, now_ns: int) -> int:
        """Return the time of the next pass: after the next midnight, or sooner to try again.

        Today is never over; an earlier day may become so at any time.
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
    """Return the result of a pass that ended with this status."""
    try:
        return Pass(_decoder.decode(said))
    except UNDECODABLE:
        return Pass([], find_reason(status, complaint))


def find_reason(status: int, complaint: str) -> str:
    """Return why a child failed: its last line, shortened."""
    reason = complaint.strip().rpartition("\n")[2] or f"it ended with status {status}"
    return reason[:FAULT_CHARACTERS_MAX]


def format_days(days: Sequence[str], count_max: int = 10) -> str:
    """Return the first days, and the number of the rest."""
    more = f" and {len(days) - count_max} more" if len(days) > count_max else ""
    return ", ".join(days[:count_max]) + more


def _date(now_ns: int) -> date:
    return datetime.fromtimestamp(now_ns // _NS, UTC).date()
