"""Keeps the releases of a box, with a link from each program to the release that it runs."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from booktape.errors import BooktapeError
from services.operator.supervision.programs import add_sinks, find_conf, localise, socket_path
from shared.process.files import write_atomic
from shared.process.settings import Settings
from shared.process.state import INGEST_PREFIX, WRITER

# A release has this file once it is fetched, checked and installed whole.
READY = "ready"
# supervisor.conf starts every program so; on a box each program runs its own release.
COMMAND = "command=/usr/bin/env booktape "
SECTION = "[program:"


class SwitchError(BooktapeError):
    """Explain to the operator why the step failed."""


class Box:
    """The folder of the releases, with a link from each program to its release.

    supervisord starts `programs/<program>`; a boot starts `current`, which moves last.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.conf = root / "programs" / "supervisor.conf"
        self.current = root / "current"

    def program(self, name: str) -> Path:
        """Return the link of a program."""
        return self.root / "programs" / name

    def folder(self, release: str) -> Path:
        """Return the folder of a release; raise if it is not whole on this box."""
        folder = self.root / "releases" / release
        if not release or not (folder / READY).is_file():
            raise SwitchError(f"release {release} is not on this box, or not whole: {folder}")
        return folder

    def release(self, link: Path) -> str:
        """Return the release that a link names, or "" without a link."""
        return link.readlink().name if link.is_symlink() else ""

    def point(self, link: Path, release: str) -> None:
        """Point a link at a release, in one step."""
        point(link, self.folder(release))

    def write_conf(self, settings: Settings) -> list[str]:
        """Write supervisord's file from the one that this release ships; return its programs."""
        state = settings.state.path
        for folder in settings.state.folder.wanted_by_supervisor:
            folder.mkdir(parents=True, exist_ok=True)
        shipped = find_conf(settings.folder).read_text(encoding="utf-8")
        text = add_sinks(shipped, settings.sinks)
        names: list[str] = []
        lines = []
        for line in localise(text, settings.folder, state, socket_path(state)).splitlines():
            if line.startswith(SECTION):
                names.append(line.removeprefix(SECTION).rstrip("]"))
            if line.startswith(COMMAND):
                own = self.program(names[-1]) / ".venv" / "bin" / "booktape"
                line = make_command(names[-1], own, line.removeprefix(COMMAND))  # noqa: PLW2901
            lines.append(line)
        self.conf.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.conf, "\n".join([*lines, ""]).encode(), fsync=True)
        return names

    def prune(self, kept: set[str]) -> None:
        """Remove every release but these; the disk is small."""
        for folder in (self.root / "releases").iterdir():
            if folder.name not in kept:
                # The next deploy removes any rest, which does no harm until then.
                shutil.rmtree(folder, ignore_errors=True)


def make_command(name: str, own: Path, arguments: str) -> str:
    """Return the command that supervisord starts.

    A release older than a program lacks its command. A rollback to such a release restarts every
    program first and writes the older supervisor.conf last: meanwhile the program sleeps, so that
    it does not fail the rollback.
    """
    if name == WRITER or name.startswith(INGEST_PREFIX):
        return f"command={own} {arguments}"
    word = arguments.split(maxsplit=1)[0]
    return (
        f"command=/bin/sh -c '{own} {word} --help > /dev/null 2>&1 || exec sleep 86400; "
        f"exec {own} {arguments}'"
    )


class ReleaseMove(NamedTuple):
    """Moves one program's link from one release to another."""

    box: Box
    name: str
    old: str
    new: str
    environment: Mapping[str, str]
    is_plain: bool = False
    is_reconfigured: bool = False

    @property
    def is_back(self) -> bool:
        """Return whether the link names the old release."""
        return self.box.release(self.box.program(self.name)) == self.old

    def forth(self) -> None:
        """Point the link at the new release."""
        self.box.point(self.box.program(self.name), self.new)

    def back(self) -> None:
        """Point the link at the old release again."""
        self.box.point(self.box.program(self.name), self.old)

    def reversed(self) -> "ReleaseMove":
        """Return the move back."""
        return ReleaseMove(self.box, self.name, self.new, self.old, self.environment)


def point(link: Path, target: Path) -> None:
    """Point a link at another target, in one step."""
    link.parent.mkdir(parents=True, exist_ok=True)
    made = link.with_name(f"{link.name}.new")
    made.unlink(missing_ok=True)
    made.symlink_to(target)
    made.replace(link)
