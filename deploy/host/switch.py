"""Which release each program of this box runs, and how it becomes another one's without a hole."""

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from services.__main__ import find_exchanges
from services.operator import handover
from services.operator.health import INGEST_PREFIX, LINE, WRITER, Process, gather
from services.operator.programs import FOLDERS, find_conf, localise, socket_path
from services.operator.supervisor import Supervisor
from services.operator.up import say
from shared.configured import load_settings
from shared.errors import BooktapeError, ConfigError
from shared.files import write_atomic
from shared.settings import Settings

# A release that was fetched, checked and installed whole has this file.
READY = "ready"
RELEASE_LENGTH = 40
# As supervisor.conf calls it; here every program has a release of its own.
COMMAND = "command=/usr/bin/env booktape "
SECTION = "[program:"
# A writer reads its spool before it reports; then it must stay.
WRITER_START_S = 60.0
WRITER_STEADY_S = 5.0
DRAIN_S = 1800.0
LOOK_S = 0.5
EXIT_FAULT = 1
EXIT_USAGE = 2
EXIT_BUSY = 75  # EX_TEMPFAIL: another switch is under way


class SwitchError(BooktapeError):
    """Tell the operator why this box does not run the release."""


class Box:
    """The folder of the releases, and the links that say who runs which.

    `programs/<program>` is what supervisord starts; `current` is what a boot starts: it moves last.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.conf = root / "supervisor.conf"
        self.current = root / "current"

    def program(self, name: str) -> Path:
        """Return the link of a program."""
        return self.root / "programs" / name

    def folder(self, release: str) -> Path:
        """Return where a release lies, or raise where there is no whole one."""
        folder = self.root / "releases" / release
        if not (folder / READY).is_file():
            raise SwitchError(f"release {release} is not on this box, or not whole: {folder}")
        return folder

    def release(self, link: Path) -> str:
        """Return the release that a link names; empty where there is none."""
        return link.readlink().name if link.is_symlink() else ""

    def point(self, link: Path, release: str) -> None:
        """Let a link name a release, at once and whole."""
        link.parent.mkdir(parents=True, exist_ok=True)
        made = link.with_name(f"{link.name}.new")
        made.unlink(missing_ok=True)
        made.symlink_to(self.folder(release))
        made.replace(link)

    def write_conf(self, settings: Settings) -> list[str]:
        """Write supervisord's file as this release ships it; return its programs."""
        state = settings.state.path
        for name in FOLDERS:
            (state / name).mkdir(parents=True, exist_ok=True)
        text = find_conf(settings.folder).read_text(encoding="utf-8")
        names: list[str] = []
        lines = []
        for line in localise(text, settings.folder, state, socket_path(state)).splitlines():
            if line.startswith(SECTION):
                names.append(line.removeprefix(SECTION).rstrip("]"))
            if line.startswith(COMMAND):
                own = self.program(names[-1]) / ".venv" / "bin" / "booktape"
                line = f"command={own} {line.removeprefix(COMMAND)}"  # noqa: PLW2901
            lines.append(line)
        write_atomic(self.conf, "\n".join([*lines, ""]).encode(), fsync=True)
        return names

    def prune(self, kept: set[str]) -> None:
        """Remove every release but these; the disk is small."""
        for folder in (self.root / "releases").iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder)


class Move(NamedTuple):
    """One program's link, from one release to another."""

    box: Box
    name: str
    old: str
    new: str

    def forth(self) -> None:
        """Name the new release."""
        self.box.point(self.box.program(self.name), self.new)

    def back(self) -> None:
        """Name the old one again."""
        self.box.point(self.box.program(self.name), self.old)

    def reversed(self) -> "Move":
        """Return the way back."""
        return Move(self.box, self.name, self.new, self.old)


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
        before = box.release(box.current)
        done: list[Move] = []
        try:
            for move in moves:
                done.append(move)
                self._move(move)
            self._apply_conf(release)
            box.point(box.current, release)
        except BaseException as error:
            say(f"not switched: {error}; putting {before} back")
            self._put_back(done)
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
        else:
            self._move_feed(move)

    def _move_writer(self, move: Move) -> None:
        """Restart the writer as another release; the journals hold what comes meanwhile."""
        before = self._find(WRITER)
        held = before.text("held_sessions") if before else ""
        move.forth()
        self._supervisor.restart(WRITER)
        steady_s: float | None = None
        end_s = time.monotonic() + WRITER_START_S
        while time.monotonic() < end_s:
            process = self._find(WRITER)
            is_well = (
                process is not None
                and process.is_reporting
                and process.pid not in {None, before.pid if before else None}
                and process.text("state") == "running"
            )
            if process and is_well and process.text("held_sessions") not in {"", held}:
                raise SwitchError(f"the writer refuses {process.text('held_sessions')}")
            if is_well and steady_s is None:
                steady_s = time.monotonic()
            if not is_well:
                steady_s = None
            if steady_s is not None and time.monotonic() - steady_s >= WRITER_STEADY_S:
                return
            time.sleep(LOOK_S)
        raise SwitchError(f"the writer of {move.new} does not run; see {self._state / 'log'}")

    def _move_feed(self, move: Move) -> None:
        """Hand a feed over; one that records nothing has nothing to lose by a plain restart."""
        exchange = move.name.removeprefix(INGEST_PREFIX)
        process = self._find(f"{move.name}-{LINE}")
        if process is not None and process.is_reporting and process.number("live"):
            handover.run(exchange, self._settings, self._environment, move)
            return
        say(f"no book of {move.name} is live, so it is restarted")
        move.forth()
        if process is None or process.program_state not in {None, "STOPPED"}:
            self._supervisor.restart(move.name)

    def _apply_conf(self, release: str) -> None:
        """Add and remove the programs by which the releases differ."""
        names = self._box.write_conf(self._settings)
        for name in names:
            self._box.point(self._box.program(name), release)
        changes = self._supervisor.reread()
        for name in changes.added:
            self._supervisor.add(name)
        for name in changes.removed:
            self._supervisor.remove(name)
        for name in changes.changed:
            say(f"{name}: supervisor.conf changed, which counts from the next boot")

    def _put_back(self, done: Sequence[Move]) -> None:
        """Undo what was done, last first; what cannot be undone is told and not in the way."""
        for move in reversed(done):
            if self._box.release(self._box.program(move.name)) == move.old:
                continue
            try:
                self._move(move.reversed())
            except (BooktapeError, OSError) as error:
                move.back()
                say(f"{move.name} is not back: {error}; its next start is of {move.old}")

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
    _wait_until(lambda: _is_empty(state, supervisor), seconds=DRAIN_S)
    supervisor.stop(WRITER)
    say("drained: all of it is in the store")


def _is_empty(state: Path, supervisor: Supervisor) -> bool:
    health = gather(state, supervisor, now_ns=time.time_ns())
    waiting = [journal.session for journal in health.journals if not journal.is_delivered]
    return not (waiting or health.spool_flushes or health.conflicts)


def _wait_until(is_so: Callable[[], bool], *, seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end_s:
            raise SwitchError(f"not drained within {seconds:g} s; see booktape status")
        time.sleep(LOOK_S)


@contextmanager
def _only_one(root: Path) -> Any:
    with (root / "switch.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another switch of this box is under way")
            raise SystemExit(EXIT_BUSY) from None
        yield


def main(arguments: Sequence[str], environment: dict[str, str]) -> int:
    """Do one of: deploy RELEASE, rollback RELEASE, settle, drain; return the exit status."""
    box = Box(Path(environment.get("BOOKTAPE_ROOT", "/opt/booktape")))
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
