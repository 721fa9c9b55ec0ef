"""Rewrites a box's program file, which supervisord reads, or restores it after a fault."""

from booktape.errors import BooktapeError
from services.operator.box.releases import Box
from services.operator.commands.up import say
from services.operator.supervision.supervisor import Supervisor
from shared.process.files import write_atomic
from shared.process.settings import Settings


class ProgramFile:
    """Rewrites the file that lists the programs; remembers its earlier text."""

    def __init__(self, box: Box, supervisor: Supervisor) -> None:
        """Remember the file's present text."""
        self._box = box
        self._supervisor = supervisor
        self._before = box.conf.read_bytes()

    def move(self, settings: Settings, release: str) -> None:
        """Write the file for these settings; an added program runs this release."""
        self._box.write_conf(settings)
        for name in self._reread(release):
            say(f"{name}: the change in supervisor.conf takes effect at the next boot")

    def put_back(self, release: str) -> None:
        """Restore the file's earlier text; print a failure."""
        try:
            if self._box.conf.read_bytes() != self._before:
                write_atomic(self._box.conf, self._before, fsync=True)
                self._reread(release)
        except (BooktapeError, OSError) as error:
            say(f"supervisor.conf is not back: {error}; the next boot writes it anew")

    def _reread(self, release: str) -> list[str]:
        """Make supervisord add and drop programs; return those whose change needs its restart."""
        changes = self._supervisor.reread()
        for name in changes.added:
            self._box.point(self._box.program(name), release)
            self._supervisor.add(name)
        for name in changes.removed:
            self._supervisor.remove(name)
        return changes.changed
