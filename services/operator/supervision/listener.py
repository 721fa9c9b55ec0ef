"""The listener keeps supervisord's last answer, so that nobody waits for one that hangs."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final, NamedTuple

from typing_extensions import override

from services.operator.supervision.supervisor import Program, Supervisor, SupervisorError

ASK_S: Final = 2.0  # seldom, as each answer costs supervisord as much as us
OLD_S: Final = 6.0  # an older answer counts as none


class Heard(NamedTuple):
    """An answer of supervisord, with its time."""

    pid: int
    programs: dict[str, Program]
    at_s: float


class Listener(Supervisor):
    """Answers at once from supervisord's last answer; its own thread asks for the next.

    Other threads call `find_pid` and `programs`; its own thread calls `run`.
    """

    def __init__(self, path: Path, *, steady_s: Callable[[], float]) -> None:
        """Start without an answer."""
        super().__init__(path)
        self._door = Supervisor(path)
        self._steady_s = steady_s
        self._last: Heard | None = None

    def run(self, stop: Event) -> None:
        """Ask until told to stop; a question may take as long as supervisord hangs."""
        while not stop.is_set():
            self.step()
            stop.wait(ASK_S)

    def step(self) -> None:
        """Ask once; after a failure the last answer grows old."""
        pid = self._door.find_pid()
        try:
            programs = self._door.programs() if pid else {}
        except SupervisorError:
            return
        if pid:
            self._last = Heard(pid, programs, self._steady_s())

    @override
    def find_pid(self) -> int | None:
        last = self._find_fresh()
        return last.pid if last else None

    @override
    def programs(self) -> dict[str, Program]:
        last = self._find_fresh()
        return last.programs if last else {}

    def _find_fresh(self) -> Heard | None:
        last = self._last
        return last if last and self._steady_s() - last.at_s <= OLD_S else None
