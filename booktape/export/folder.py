"""Manages the folder of an export: one target's files, each whole or absent.

Several processes may write into it at once, other days or markets each: none waits for another.
"""

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from booktape.errors import NotExported, TapeError
from booktape.release import RELEASE
from booktape.store.files import PARTIAL_SUFFIX

MARKER: Final = "export.json"
FACTS_SUFFIX: Final = ".json"


class Folder:
    """A folder that holds one export; it is never mixed with another."""

    def __init__(self, path: Path, target: str, options: Mapping[str, object]) -> None:
        """Raise `TapeError` where the folder holds something else."""
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        wanted = {"target": target, **options}
        with self._lock(MARKER, fcntl.LOCK_EX):
            found = self._find_marker()
            if found is None:
                found = {**wanted, "release": RELEASE}
                self.write(MARKER, lambda partial: _write(partial, {**wanted, "release": RELEASE}))
        found.pop("release", None)
        if found != wanted:
            raise TapeError(
                f"{path} holds another export ({_say(found)}), not {_say(wanted)}: "
                "take another folder"
            )

    def _find_marker(self) -> dict[str, Any] | None:
        """Return what the folder holds; None where it holds nothing."""
        marker = self.path / MARKER
        if marker.exists():
            return _read(marker)
        if any(not each.name.endswith(PARTIAL_SUFFIX) for each in self.path.iterdir()):
            raise TapeError(f"{self.path} holds something else than an export: take another folder")
        return None

    @contextmanager
    def _lock(self, name: str, operation: int) -> Iterator[None]:
        """Hold a lock on what a file is written into."""
        partial = self.path / f"{name}{PARTIAL_SUFFIX}"
        with partial.open("ab") as lock:
            fcntl.flock(lock, operation)
            try:
                yield
            finally:
                partial.unlink(missing_ok=True)

    def find_done(self, name: str) -> dict[str, Any] | None:
        """Return what was said of a day that is there already."""
        path = self.path / f"{name}{FACTS_SUFFIX}"
        return _read(path) if path.exists() else None

    @contextmanager
    def claim(self, name: str) -> Iterator[None]:
        """Write a day alone: raise `NotExported` while another process writes it."""
        with ExitStack() as held:
            try:
                lock = self._lock(f"{name}{FACTS_SUFFIX}", fcntl.LOCK_EX | fcntl.LOCK_NB)
                held.enter_context(lock)
            except BlockingIOError:
                raise NotExported(f"another process writes {name} into {self.path}") from None
            yield

    def finish(self, name: str, facts: Mapping[str, object]) -> None:
        """Write down the facts of a day: from now on it counts as exported."""
        self.write(f"{name}{FACTS_SUFFIX}", lambda partial: _write(partial, facts))

    def write(self, name: str, make: Callable[[Path], None]) -> None:
        """Write one file whole: `make` writes it beside its place."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}{PARTIAL_SUFFIX}")
        try:
            make(partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict)
    except msgspec.DecodeError:
        raise TapeError(f"{path} is not what an export wrote: take another folder") from None
    return found


def _write(path: Path, facts: Mapping[str, object]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(facts)) + b"\n")


def _say(facts: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in facts.items())
