"""Keeps supervisord's own file of a box: written anew, read by it, put back."""

from booktape.errors import BooktapeError
from services.operator.box.releases import Box
from services.operator.commands.up import say
from services.operator.supervision.supervisor import Supervisor
from shared.process.files import write_atomic
from shared.process.settings import Settings


class ProgramFile:
    """The file that says which programs there are, as it was and as it is to be."""

    def __init__(self, box: Box, supervisor: Supervisor) -> None:
        """Remember what it says now."""
        self._box = box
        self._supervisor = supervisor
        self._before = box.conf.read_bytes()

    def move(self, settings: Settings, release: str) -> None:
        """Let it say what these settings want; a program that is added is of this release."""
        self._box.write_conf(settings)
        for name in self._reread(release):
            say(f"{name}: supervisor.conf changed, which counts from the next boot")

    def put_back(self, release: str) -> None:
        """Let it say what it said before; what cannot be put back is told."""
        try:
            if self._box.conf.read_bytes() != self._before:
                write_atomic(self._box.conf, self._before, fsync=True)
                self._reread(release)
        except (BooktapeError, OSError) as error:
            say(f"supervisor.conf is not back: {error}; the next boot writes it anew")

    def _reread(self, release: str) -> list[str]:
        """Let supervisord take up and forget programs; return those that it must be ended for."""
        changes = self._supervisor.reread()
        for name in changes.added:
            self._box.point(self._box.program(name), release)
            self._supervisor.add(name)
        for name in changes.removed:
            self._supervisor.remove(name)
        return changes.changed
