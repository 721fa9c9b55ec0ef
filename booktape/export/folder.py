"""Manages the folder of an export: one target's files, each whole or absent.

Several processes may write into it at once, each other days or markets; none waits for another.
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
    """A folder for one export, never for two."""

    def __init__(self, path: Path, target: str, options: Mapping[str, object]) -> None:
        """Raise `TapeError` if the folder holds other files."""
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
                "choose another folder"
            )

    def _find_marker(self) -> dict[str, Any] | None:
        """Return the export that the folder holds; None if it is empty."""
        marker = self.path / MARKER
        if marker.exists():
            return _read(marker)
        if any(not each.name.endswith(PARTIAL_SUFFIX) for each in self.path.iterdir()):
            raise TapeError(f"{self.path} holds files of no export: choose another folder")
        return None

    @contextmanager
    def _lock(self, name: str, operation: int) -> Iterator[None]:
        """Hold a lock on a file's partial."""
        partial = self.path / f"{name}{PARTIAL_SUFFIX}"
        with partial.open("ab") as lock:
            fcntl.flock(lock, operation)
            try:
                yield
            finally:
                partial.unlink(missing_ok=True)

    def find_done(self, name: str) -> dict[str, Any] | None:
        """Return the facts of a finished day; None if it is not finished."""
        path = self.path / f"{name}{FACTS_SUFFIX}"
        return _read(path) if path.exists() else None

    @contextmanager
    def claim(self, name: str) -> Iterator[None]:
        """Claim a day for this process: raise `NotExported` while another process writes it."""
        with ExitStack() as held:
            try:
                lock = self._lock(f"{name}{FACTS_SUFFIX}", fcntl.LOCK_EX | fcntl.LOCK_NB)
                held.enter_context(lock)
            except BlockingIOError:
                raise NotExported(f"another process writes {name} into {self.path}") from None
            yield

    def finish(self, name: str, facts: Mapping[str, object]) -> None:
        """Save the facts of a day: from now on the day counts as exported."""
        self.write(f"{name}{FACTS_SUFFIX}", lambda partial: _write(partial, facts))

    def write(self, name: str, make: Callable[[Path], None]) -> None:
        """Write one file whole: `make` writes a partial, which is then renamed."""
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
        raise TapeError(f"{path} is no file of an export: choose another folder") from None
    return found


def _write(path: Path, facts: Mapping[str, object]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(facts)) + b"\n")


def _say(facts: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in facts.items())
