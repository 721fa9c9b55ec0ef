"""Keeps the configurations of a box, each by its digest, with links to those in use."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from booktape.settings_source import FILE_VARIABLE, read_file
from services.operator.box.releases import SwitchError, point
from shared.process.settings import Settings
from shared.process.state import INGEST_PREFIX, WRITER, sink_name

SUFFIX = ".toml"
# The box's stack sets these; a configuration that names one is meant for another box.
OF_THE_BOX = {("storage", "url"), ("storage", "region"), ("state", "path"), ("state", "cell")}


class Configurations:
    """Keeps each configuration as a file, with two links.

    The next start of any program reads `live.toml`; a boot reads `current.toml`, which moves last.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / "configurations"
        self.live = self._folder / f"live{SUFFIX}"
        self.current = self._folder / f"current{SUFFIX}"

    def path(self, digest: str) -> Path:
        """Return the path of a configuration; raise if it is not on this box."""
        path = self._folder / f"{digest}{SUFFIX}"
        if not digest or not path.is_file():
            raise SwitchError(f"configuration {digest} is not on this box: {path}")
        return path

    def digest(self, link: Path) -> str:
        """Return the digest that a link names, or "" without a link."""
        return link.readlink().stem if link.is_symlink() else ""

    def point(self, link: Path, digest: str) -> None:
        """Point a link at a configuration, in one step."""
        point(link, self.path(digest))

    def prune(self, kept: Iterable[str]) -> None:
        """Remove every configuration but these."""
        names = {self.live.name, self.current.name, *(f"{digest}{SUFFIX}" for digest in kept)}
        for path in self._folder.glob(f"*{SUFFIX}"):
            if path.name not in names:
                path.unlink(missing_ok=True)


class ConfigurationMove:
    """Moves one program to another configuration; all programs share one link."""

    is_reconfigured = True

    def __init__(
        self,
        configurations: Configurations,
        name: str,
        digests: tuple[str, str],
        environment: Mapping[str, str],
        *,
        is_plain: bool,
    ) -> None:
        self.name = name
        self.old, self.new = digests
        self.is_plain = is_plain
        self.is_back = True
        self._configurations = configurations
        self._environment = environment

    @property
    def environment(self) -> Mapping[str, str]:
        """Return an environment that names the new file itself, not the link."""
        return {**self._environment, FILE_VARIABLE: str(self._configurations.path(self.new))}

    def forth(self) -> None:
        """Point the link at the new configuration."""
        self._configurations.point(self._configurations.live, self.new)
        self.is_back = False

    def back(self) -> None:
        """Point the link at the old configuration again."""
        self._configurations.point(self._configurations.live, self.old)
        self.is_back = True

    def reversed(self) -> "ConfigurationMove":
        """Return the move back; it waits for no symbol that only the new configuration records."""
        digests = (self.new, self.old)
        return ConfigurationMove(
            self._configurations, self.name, digests, self._environment, is_plain=False
        )


def find_strays(path: Path) -> list[str]:
    """Return a fault for each key of a configuration that only the box's stack may set."""
    return [
        f"{'.'.join(key)} in {path.name}: only the box's stack sets it"
        for key in read_file(path)
        if key in OF_THE_BOX
    ]


def find_changed(before: Settings, after: Settings, programs: Iterable[str]) -> list[str]:
    """Return the programs whose settings differ between two configurations, the writer first."""
    if (before.storage, before.state) != (after.storage, after.state):
        return sorted(programs, key=lambda name: (name != WRITER, name))
    changed = {
        f"{INGEST_PREFIX}{name}"
        for name in before.exchanges
        if before.exchanges[name] != after.exchanges.get(name)
    }
    changed |= {
        sink_name(name)
        for name, sink in before.sinks.items()
        if after.sinks.get(name, sink) != sink
    }
    if before.writer != after.writer:
        changed.add(WRITER)
    return sorted(changed.intersection(programs), key=lambda name: (name != WRITER, name))
