"""When a process dies, and which thread runs meanwhile."""

from collections.abc import Callable
from typing import Final

NEVER: Final = 1 << 60


class Violation(AssertionError):
    """A promise is broken."""


class Death(BaseException):
    """End a process; no handler of its own may stop that."""


class Killed(Death):
    """End one process, as `kill -9` does."""


class PowerCut(Death):
    """End all of them, and what was not synced."""


class Process:
    """One process of the simulated machine; its threads take turns."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False


class Fate:
    """Counts boundaries: the points between which a crash is another crash."""

    def __init__(self) -> None:
        self.process: Process | None = None  # whose code runs; None: the world's own
        self.boundaries = 0
        self.is_power_cut = False  # how it will strike
        self.interleave: Callable[[], None] = lambda: None
        self._strikes_in = NEVER
        self._switches_in = NEVER

    def arm(self, boundaries: int, *, is_power_cut: bool) -> None:
        """Strike at the n-th boundary from here."""
        self._strikes_in = boundaries
        self.is_power_cut = is_power_cut

    def disarm(self) -> None:
        """Let everybody live."""
        self._strikes_in = self._switches_in = NEVER

    def switch(self, boundaries: int) -> None:
        """Let another thread run at the n-th boundary from here."""
        self._switches_in = boundaries

    @property
    def is_armed(self) -> bool:
        """Say whether it will strike."""
        return self._strikes_in < NEVER // 2

    @property
    def is_next(self) -> bool:
        """Say whether the next boundary is the last one."""
        return self._strikes_in == 1

    def boundary(self) -> None:
        """Go on, unless this is where the process dies."""
        process = self.process
        if process is None:
            return
        if process.is_dead:  # it unwinds, and nothing of what it does now happens
            raise Killed(process)
        self.boundaries += 1
        self._strikes_in -= 1
        self._switches_in -= 1
        if not self._strikes_in:
            self._strikes_in = NEVER
            process.is_dead = True
            raise PowerCut if self.is_power_cut else Killed(process)
        if not self._switches_in:
            self._switches_in = NEVER
            self.interleave()
