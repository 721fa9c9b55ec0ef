"""Which release each program of this box runs, and how it becomes another one's without a hole."""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from booktape.errors import BooktapeError, ConfigError
from services.__main__ import find_exchanges
from services.operator.box.releases import Box, Move, SwitchError
from services.operator.commands import handover
from services.operator.commands.stopping import SIGNALS
from services.operator.commands.up import say
from services.operator.health.health import FOREIGN, LINE, Process, gather
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor
from shared.process.configured import load_settings
from shared.process.files import write_atomic
from shared.process.settings import Settings
from shared.process.state import INGEST_PREFIX, WRITER

RELEASE_LENGTH = 40
# A writer reads its spool before it reports, a feed asks its exchange; then each must stay.
START_S = 60.0
STEADY_S = 5.0
DRAIN_S = 1800.0
LOOK_S = 0.5
EXIT_FAULT = 1
EXIT_USAGE = 2
EXIT_BUSY = 75  # EX_TEMPFAIL: another switch is under way


class Switch:
    """The steps from one release to another, each of which can be undone."""

    def __init__(self, box: Box, settings: Settings, environment: dict[str, str]) -> None:
        self._box = box
        self._settings = settings
        self._environment = environment
        self._state = settings.state.path
        self._supervisor = Supervisor(socket_path(self._state))

    def run(self, release: str, *, is_rollback: bool) -> None:
        """Move every program to the release, then `current`; on any fault all of it back."""
        box = self._box
        box.folder(release)
        moves = self._plan(release, is_rollback=is_rollback)
        before, conf = box.release(box.current), box.conf.read_bytes()
        done: list[Move] = []
        try:
            for move in moves:
                done.append(move)
                self._move(move)
            self._apply_conf(release)
            box.point(box.current, release)
        except BaseException as error:
            # Also what a signal made of us; a second one finds nothing left to stop.
            say(f"not switched: {error}; putting {before} back")
            self._put_back(done, conf)
            raise
        say(f"switched: {release} is live")
        box.prune({release, before})

    def _plan(self, release: str, *, is_rollback: bool) -> list[Move]:
        """Return what must move, in order.

        A new writer reads the frames of the release before, so it goes first; to an older
        release it goes last, when the feeds write older frames again.
        """
        names = sorted(self._supervisor.programs(), key=lambda name: (name != WRITER, name))
        if is_rollback:
            names = [*names[1:], *names[:1]]
        links = [(name, self._box.release(self._box.program(name))) for name in names]
        return [Move(self._box, name, old, release) for name, old in links if old != release]

    def _move(self, move: Move) -> None:
        say(f"{move.name}: {move.old} -> {move.new}")
        if move.name == WRITER:
            self._move_writer(move)
        elif move.name.startswith(INGEST_PREFIX):
            self._move_feed(move)
        else:  # nothing of the tape's
            move.forth()
            self._supervisor.restart(move.name)

    def _move_writer(self, move: Move) -> None:
        """Restart the writer as another release; the journals hold what comes meanwhile."""
        before = self._find(WRITER)
        held = before.writer.held_sessions if before and before.writer else {}
        move.forth()
        self._supervisor.restart(WRITER)
        after = self._wait_steady(move, before, lambda found: found.state in {"running", FOREIGN})
        refused = after.writer.held_sessions if after.writer else {}
        if refused and refused != held:
            said = "; ".join(f"{session}: {why}" for session, why in refused.items())
            raise SwitchError(f"the writer refuses {said}")

    def _move_feed(self, move: Move) -> None:
        """Hand a feed over; one that records nothing has nothing to lose by a plain restart."""
        exchange = move.name.removeprefix(INGEST_PREFIX)
        before = self._find(f"{move.name}-{LINE}")
        if before is not None and before.is_reporting and before.ingest and before.ingest.live:
            handover.run(exchange, self._settings, self._environment, move)
            return
        move.forth()
        if before is not None and before.program_state == "STOPPED":
            say(f"{move.name} was stopped, and stays so")
            return
        say(f"no book of {move.name} is live, so it is restarted")
        self._supervisor.restart(move.name)
        self._wait_steady(move, before, lambda _: True)

    def _wait_steady(
        self, move: Move, before: Process | None, is_well: Callable[[Process], bool]
    ) -> Process:
        """Return the restarted program once it has run well for a while."""
        name = move.name if move.name == WRITER else f"{move.name}-{LINE}"
        pids = {None, before.pid if before else None}
        start_s = time.monotonic()
        steady_s: float | None = None
        while time.monotonic() - start_s < START_S:
            found = self._find(name)
            if found is None or found.pid in pids or not (found.is_reporting and is_well(found)):
                steady_s = None
            elif steady_s is None:
                steady_s = time.monotonic()
            elif time.monotonic() - steady_s >= STEADY_S:
                return found
            time.sleep(LOOK_S)
        log = self._settings.state.folder.log(move.name)
        raise SwitchError(f"{move.name} of {move.new} does not run; see the end of {log}")

    def _apply_conf(self, release: str) -> None:
        """Add and remove the programs by which the releases differ."""
        for name in self._box.write_conf(self._settings):
            self._box.point(self._box.program(name), release)
        changes = self._reread()
        for name in changes:
            say(f"{name}: supervisor.conf changed, which counts from the next boot")

    def _reread(self) -> list[str]:
        """Let supervisord take up and forget programs; return those that it must be ended for."""
        changes = self._supervisor.reread()
        for name in changes.added:
            self._supervisor.add(name)
        for name in changes.removed:
            self._supervisor.remove(name)
        return changes.changed

    def _put_back(self, done: Sequence[Move], conf: bytes) -> None:
        """Undo what was done, last first; what cannot be undone is told and not in the way."""
        box = self._box
        for move in reversed(done):
            if box.release(box.program(move.name)) == move.old:
                continue
            try:
                self._move(move.reversed())
            except (BooktapeError, OSError) as error:
                move.back()
                say(f"{move.name} is not back: {error}; its next start is of {move.old}")
        try:
            if box.conf.read_bytes() != conf:
                write_atomic(box.conf, conf, fsync=True)
                self._reread()
        except (BooktapeError, OSError) as error:
            say(f"supervisor.conf is not back: {error}; the next boot writes it anew")

    def _find(self, name: str) -> Process | None:
        health = gather(self._state, self._supervisor, now_ns=time.time_ns())
        return next((process for process in health.processes if process.name == name), None)


def settle(box: Box, settings: Settings) -> None:
    """Before a start: let every program be of `current`, whatever was interrupted."""
    release = box.release(box.current)
    for name in box.write_conf(settings):
        box.point(box.program(name), release)


def drain(settings: Settings) -> None:
    """End every feed, then wait until the bucket has all of it; raise where it has not."""
    state = settings.state.path
    supervisor = Supervisor(socket_path(state))
    for name in supervisor.programs():
        if name != WRITER:
            supervisor.stop(name)
    supervisor.restart(WRITER)  # its end flushes what it holds
    end_s = time.monotonic() + DRAIN_S
    while not _is_empty(state, supervisor):
        if time.monotonic() > end_s:
            raise SwitchError(f"not drained within {DRAIN_S:g} s; see booktape status")
        time.sleep(LOOK_S)
    supervisor.stop(WRITER)
    say("drained: all of it is in the store")


def _is_empty(state: Path, supervisor: Supervisor) -> bool:
    health = gather(state, supervisor, now_ns=time.time_ns())
    waiting = [journal.session for journal in health.journals if not journal.is_delivered]
    return not (waiting or health.spool_flushes or health.conflicts)


def _stop_once() -> None:
    """Let the first signal end what we do, as a fault that is put back; then be deaf to others."""

    def stop(number: int, _: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, lambda *_: None)
        raise SwitchError(f"stopped by {signal.Signals(number).name}")

    for each in SIGNALS:
        signal.signal(each, stop)


@contextmanager
def _only_one(root: Path) -> Any:
    with (root / "switch.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another switch of this box is under way, and nothing was done")
            raise SystemExit(EXIT_BUSY) from None
        yield


def main(arguments: Sequence[str], environment: dict[str, str]) -> int:
    """Do one of: deploy RELEASE, rollback RELEASE, settle, drain; return the exit status."""
    box = Box(Path(environment.get("BOOKTAPE_ROOT", "/opt/booktape")))
    _stop_once()
    try:
        with _only_one(box.root):
            settings = load_settings(find_exchanges(), environment)
            match arguments:
                case ["deploy" | "rollback" as how, release] if len(release) == RELEASE_LENGTH:
                    switch = Switch(box, settings, environment)
                    switch.run(release, is_rollback=how == "rollback")
                case ["settle"]:
                    settle(box, settings)
                case ["drain"]:
                    drain(settings)
                case _:
                    say(f"usage: {main.__doc__}")
                    return EXIT_USAGE
    except ConfigError as error:
        for fault in error.faults:
            say(f"refused, and nothing was done: {fault}")
        return EXIT_FAULT
    except (BooktapeError, OSError) as error:
        say(str(error))
        return EXIT_FAULT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
