"""Switches a box to another release, without a hole on the tape."""

from collections.abc import Mapping

from booktape.errors import BooktapeError
from services.operator.box.moving import Mover
from services.operator.box.releases import Box, ReleaseMove
from services.operator.commands.up import say
from services.operator.supervision.supervisor import Supervisor
from shared.process.files import write_atomic
from shared.process.settings import Settings
from shared.process.state import WRITER


class Switch:
    """The steps from one release to another, each of which can be undone."""

    def __init__(
        self,
        box: Box,
        settings: Settings,
        environment: Mapping[str, str],
        supervisor: Supervisor,
    ) -> None:
        self._box = box
        self._settings = settings
        self._environment = environment
        self._supervisor = supervisor

    def run(self, release: str, *, is_rollback: bool) -> None:
        """Move every program to the release, then `current`; on any fault all of it back."""
        box = self._box
        box.folder(release)
        moves = self._plan(release, is_rollback=is_rollback)
        before, conf = box.release(box.current), box.conf.read_bytes()
        Mover(self._settings, self._supervisor).run(
            moves, finish=lambda: self._finish(release), undo=lambda: self._put_back(conf)
        )
        say(f"switched: {release} is live")
        box.prune({release, before})

    def _plan(self, release: str, *, is_rollback: bool) -> list[ReleaseMove]:
        """Return what must move, in order.

        A new writer reads the frames of the release before, so it goes first; to an older
        release it goes last, when the feeds write older frames again.
        """
        names = sorted(self._supervisor.programs(), key=lambda name: (name != WRITER, name))
        if is_rollback:
            names = [*names[1:], *names[:1]]
        links = [(name, self._box.release(self._box.program(name))) for name in names]
        return [
            ReleaseMove(self._box, name, old, release, self._environment)
            for name, old in links
            if old != release
        ]

    def _finish(self, release: str) -> None:
        """Add and remove the programs by which the releases differ, then move `current`."""
        for name in self._box.write_conf(self._settings):
            self._box.point(self._box.program(name), release)
        for name in self._reread():
            say(f"{name}: supervisor.conf changed, which counts from the next boot")
        self._box.point(self._box.current, release)

    def _reread(self) -> list[str]:
        """Let supervisord take up and forget programs; return those that it must be ended for."""
        changes = self._supervisor.reread()
        for name in changes.added:
            self._supervisor.add(name)
        for name in changes.removed:
            self._supervisor.remove(name)
        return changes.changed

    def _put_back(self, conf: bytes) -> None:
        try:
            if self._box.conf.read_bytes() != conf:
                write_atomic(self._box.conf, conf, fsync=True)
                self._reread()
        except (BooktapeError, OSError) as error:
            say(f"supervisor.conf is not back: {error}; the next boot writes it anew")
