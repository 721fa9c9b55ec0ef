"""Moves programs of a box one after the other; on any fault moves all of them back."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from booktape.errors import BooktapeError
from services.operator.box.releases import SwitchError
from services.operator.commands import handover
from services.operator.commands.up import say
from services.operator.health.health import FOREIGN, Process, gather
from services.operator.supervision.supervisor import Supervisor
from shared.process.settings import Settings
from shared.process.state import INGEST_PREFIX, WRITER

# Before it reports, a writer reads its spool and a feed asks its exchange; then each must stay up.
START_S = 60.0
STEADY_S = 5.0
LOOK_S = 0.5


class ProgramMove(Protocol):
    """Moves one program from one release or configuration to another."""

    @property
    def name(self) -> str:
        """Return the program's name."""
        ...

    @property
    def old(self) -> str:
        """Return the release or configuration that it runs now."""
        ...

    @property
    def new(self) -> str:
        """Return the release or configuration that it runs next."""
        ...

    @property
    def is_back(self) -> bool:
        """Return whether its next start runs the old one."""
        ...

    @property
    def is_plain(self) -> bool:
        """Return whether a plain restart will do, because none of its books will be live."""
        ...

    @property
    def is_reconfigured(self) -> bool:
        """Return whether the new one records other symbols than the old one."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment for a process of the new one."""
        ...

    def forth(self) -> None:
        """Make its next start run the new one."""
        ...

    def back(self) -> None:
        """Make its next start run the old one again."""
        ...

    def reversed(self) -> "ProgramMove":
        """Return the move back."""
        ...


class Mover:
    """Restarts programs without a hole on the tape."""

    def __init__(self, settings: Settings, supervisor: Supervisor) -> None:
        self._settings = settings
        self._state = settings.state.path
        self._supervisor = supervisor

    def run(
        self, moves: Sequence[ProgramMove], *, finish: Callable[[], None], undo: Callable[[], None]
    ) -> None:
        """Make each move in order, then finish; on any fault take all of them back."""
        done: list[ProgramMove] = []
        try:
            for move in moves:
                done.append(move)
                self._move(move)
            finish()
        except BaseException as error:
            # A signal raises a fault, too; a second signal is ignored, so this runs to its end.
            before = f" {moves[0].old}" if moves else ""
            say(f"not switched: {error}; putting{before} back")
            for move in reversed(done):
                self._take_back(move)
            undo()
            raise

    def _take_back(self, move: ProgramMove) -> None:
        """Undo a move; print a failure, so that the other moves are still undone."""
        if move.is_back:
            return
        try:
            self._move(move.reversed())
        except (BooktapeError, OSError) as error:
            say(f"{move.name} is not back: {error}; its next start runs {move.old}")
        move.back()

    def _move(self, move: ProgramMove) -> None:
        say(f"{move.name}: {move.old} -> {move.new}")
        if move.name == WRITER:
            self._move_writer(move)
        elif move.name.startswith(INGEST_PREFIX):
            self._move_feed(move)
        else:  # a program that writes nothing to the tape
            move.forth()
            self._supervisor.restart(move.name)

    def _move_writer(self, move: ProgramMove) -> None:
        """Restart the writer as the new one; meanwhile the journals hold the events."""
        before = self._find(WRITER)
        held = before.writer.held_sessions if before and before.writer else {}
        move.forth()
        self._supervisor.restart(WRITER)
        after = self._wait_steady(move, before, lambda found: found.state in {"running", FOREIGN})
        refused = after.writer.held_sessions if after.writer else {}
        if refused and refused != held:
            said = "; ".join(f"{session}: {reason}" for session, reason in refused.items())
            raise SwitchError(f"the writer refuses {said}")

    def _move_feed(self, move: ProgramMove) -> None:
        """Hand a feed over; restart one that records nothing, as it has nothing to lose."""
        before = self._find(move.name)
        is_live = before and before.is_reporting and before.ingest and before.ingest.live
        if is_live and not move.is_plain:
            exchange = move.name.removeprefix(INGEST_PREFIX)
            handover.run(
                exchange,
                self._settings,
                move.environment,
                move,
                is_reconfigured=move.is_reconfigured,
            )
            return
        move.forth()
        if before is not None and before.program_state == "STOPPED":
            say(f"{move.name} was stopped, and stays so")
            return
        why = "will record nothing" if move.is_plain else "has no live book"
        say(f"{move.name} {why}, so it is restarted")
        self._supervisor.restart(move.name)
        self._wait_steady(move, before, lambda _: True)

    def _wait_steady(
        self, move: ProgramMove, before: Process | None, is_well: Callable[[Process], bool]
    ) -> Process:
        """Return the restarted program once it has run well for `STEADY_S`; else raise."""
        pids = {None, before.pid if before else None}
        start_s = time.monotonic()
        steady_s: float | None = None
        while time.monotonic() - start_s < START_S:
            found = self._find(move.name)
            if found is None or found.pid in pids or not (found.is_reporting and is_well(found)):
                steady_s = None
            elif steady_s is None:
                steady_s = time.monotonic()
            elif time.monotonic() - steady_s >= STEADY_S:
                return found
            time.sleep(LOOK_S)
        log = self._settings.state.folder.log(move.name)
        raise SwitchError(f"{move.name} of {move.new} does not run; see the end of {log}")

    def _find(self, name: str) -> Process | None:
        """Return a program's process under supervisord."""
        health = gather(self._state, self._supervisor, now_ns=time.time_ns())
        found = (process for process in health.processes if process.program == name)
        return next((process for process in found if process.is_supervised), None)
