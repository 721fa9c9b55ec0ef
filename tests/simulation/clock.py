"""Time that passes when somebody says so."""

from datetime import UTC, datetime
from typing import Final

START: Final = int(datetime(2026, 11, 22, 23, 59, 40, tzinfo=UTC).timestamp()) * 10**9


class Clock:
    """The time of day, which may be set, and the one that only passes."""

    def __init__(self) -> None:
        self._ns = START
        self._s = 1000.0

    def pass_s(self, seconds: float) -> None:
        self._ns += round(seconds * 1e9)
        self._s += seconds

    def set_back_s(self, seconds: float) -> None:
        self._ns -= round(seconds * 1e9)

    def ns(self) -> int:
        """Return the time of day, another one each time: nothing takes no time."""
        self._ns += 1000
        return self._ns

    def s(self) -> float:
        return self._s

    # What a module's `time` is replaced by.
    time_ns = ns
    sleep = pass_s
