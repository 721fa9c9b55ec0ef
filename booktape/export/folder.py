"""Manages the folder of an export: one target's files, each whole or absent."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from booktape.errors import TapeError
from booktape.release import RELEASE
from booktape.store.files import PARTIAL_SUFFIX

MARKER: Final = "export.json"
FACTS_SUFFIX: Final = ".json"


class Folder:
    """A folder that holds one export; it is never mixed with another."""

    def __init__(self, path: Path, target: str, options: Mapping[str, object]) -> None:
        """Raise `TapeError` where the folder holds something else."""
        self.path = path
        wanted = {"target": target, **options}
        marker = path / MARKER
        if marker.exists():
            found = _read(marker)
            found.pop("release", None)
            if found != wanted:
                raise TapeError(
                    f"{path} holds another export ({_say(found)}), not {_say(wanted)}: "
                    "take another folder"
                )
            return
        if path.exists() and any(path.iterdir()):
            raise TapeError(f"{path} holds something else than an export: take another folder")
        path.mkdir(parents=True, exist_ok=True)
        self.write(MARKER, lambda partial: _write(partial, {**wanted, "release": RELEASE}))

    def find_done(self, name: str) -> dict[str, Any] | None:
        """Return what was said of a day that is there already."""
        path = self.path / f"{name}{FACTS_SUFFIX}"
        return _read(path) if path.exists() else None

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
