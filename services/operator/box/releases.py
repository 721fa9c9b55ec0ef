"""Keeps the releases of a box, with the links that say which of its programs runs which."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from booktape.errors import BooktapeError
from services.operator.supervision.programs import add_sinks, find_conf, localise, socket_path
from shared.process.files import write_atomic
from shared.process.settings import Settings
from shared.process.state import INGEST_PREFIX, WRITER

# A release that is fetched, checked and installed whole has this file.
READY = "ready"
# As supervisor.conf calls it; here every program has a release of its own.
COMMAND = "command=/usr/bin/env booktape "
SECTION = "[program:"


class SwitchError(BooktapeError):
    """Explain to the operator why this box does not run the release."""


class Box:
    """The folder of the releases, with links that say which program runs which.

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
        """Return the release that a link names; empty without a link."""
        return link.readlink().name if link.is_symlink() else ""

    def point(self, link: Path, release: str) -> None:
        """Point a link at a release, in one step."""
        point(link, self.folder(release))

    def write_conf(self, settings: Settings) -> list[str]:
        """Write supervisord's file as this release ships it; return its programs."""
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
                # The next deploy tries again to remove what stays; it does no harm.
                shutil.rmtree(folder, ignore_errors=True)


def make_command(name: str, own: Path, arguments: str) -> str:
    """Return the command that supervisord starts.

    A release older than a program has no such command. A rollback to it restarts every program
    before it brings its own supervisor.conf: meanwhile a program that no other depends on sleeps,
    so that it fails no rollback.
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
        """Point the link at the old one again."""
        self.box.point(self.box.program(self.name), self.old)

    def reversed(self) -> "ReleaseMove":
        """Return the way back."""
        return ReleaseMove(self.box, self.name, self.new, self.old, self.environment)


def point(link: Path, target: Path) -> None:
    """Point a link at another target, in one step."""
    link.parent.mkdir(parents=True, exist_ok=True)
    made = link.with_name(f"{link.name}.new")
    made.unlink(missing_ok=True)
    made.symlink_to(target)
    made.replace(link)
