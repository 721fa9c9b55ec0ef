"""A standstill of this process or the machine: what came meanwhile is lost, or late."""

from typing import Final

STANDSTILL_S: Final = 10.0  # a process that slept so long has missed messages


class Standstill:
    """Compares each look with the one before; the thread that looks owns it."""

    def __init__(self) -> None:
        """Start without a look."""
        self.looked: tuple[int, float] | None = None  # the last look by both clocks

    def look(self, ts: int, now_s: float) -> float:
        """Return how many seconds we stood still; 0.0 if those were few.

        The steady clock shows a stopped process, the time of day `ts` a sleeping machine.
        """
        stood_s = 0.0
        if self.looked is not None:
            stood_s = max(now_s - self.looked[1], (ts - self.looked[0]) / 1e9)
        self.looked = ts, now_s
        return stood_s if stood_s > STANDSTILL_S else 0.0

    def forget(self) -> None:
        """Forget the last look: nothing is open to miss messages."""
        self.looked = None
