"""Switches a box to another release, without a hole on the tape."""

from collections.abc import Mapping

from services.operator.box.moving import Mover
from services.operator.box.program_file import ProgramFile
from services.operator.box.releases import Box, ReleaseMove
from services.operator.commands.up import say
from services.operator.supervision.supervisor import Supervisor
from shared.process.settings import Settings
from shared.process.state import WRITER


class Switch:
    """The steps from one release to another; each can be undone."""

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
        """Move every program to the release, then `current`; on any fault move all back."""
        box = self._box
        box.folder(release)
        moves = self._plan(release, is_rollback=is_rollback)
        before, conf = box.release(box.current), ProgramFile(box, self._supervisor)
        Mover(self._settings, self._supervisor).run(
            moves,
            finish=lambda: self._finish(release, conf),
            undo=lambda: conf.put_back(before),
        )
        say(f"switched: {release} is live")
        box.prune({release, before})

    def _plan(self, release: str, *, is_rollback: bool) -> list[ReleaseMove]:
        """Return the moves, in order.

        A new writer can read frames of the release before it, so it moves first. To an older
        release the writer moves last, once the feeds write older frames again.
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

    def _finish(self, release: str, conf: ProgramFile) -> None:
        """Add and remove the programs by which the releases differ, then move `current`."""
        conf.move(self._settings, release)
        self._box.point(self._box.current, release)
