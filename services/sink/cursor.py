"""Keeps a sink's cursor: for each session the next event number to feed."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE, ConfigError
from shared.process.files import write_atomic
from shared.process.sinks import SinkSettings

VERSION: Final = 1


class _Kept(Struct):
    """The file's content; `store` is a hash of the URL, `begin` the date that it began at."""

    version: int
    store: str
    begin: str
    tables: list[str]
    sessions: dict[str, int]


class SinkCursor:
    """The cursor of one store. It moves only after the store's answer.

    It belongs to one store, some tables and a first date. If the configuration names another store,
    one more table or an earlier date, the sink feeds all rows again; the store keeps each once.
    """

    def __init__(self, path: Path, settings: SinkSettings, *, today: str) -> None:
        """Read the file, or begin; raise ConfigError if this release cannot read it."""
        self._path = path
        self._wanted: list[str] = sorted(settings.tables)
        self._store = hashlib.sha256(settings.url.encode()).hexdigest()
        kept = self._read()
        first = settings.begin or (kept.begin if kept else today)
        if kept is None or not self._covers(kept, first):
            kept = _Kept(VERSION, self._store, first, self._wanted, {})
        self.begin = settings.begin or kept.begin
        self._kept = kept

    def next(self, session: str) -> int:
        """Return the next event number to feed of a session."""
        return self._kept.sessions.get(session, 0)

    def move(self, session: str, next_number: int) -> None:
        """Remember the next event number to feed of a session."""
        self._kept.sessions[session] = max(self.next(session), next_number)
        self.save()

    def forget(self, sessions: Collection[str]) -> None:
        """Forget all sessions but these: the tape no longer has the others."""
        kept = self._kept.sessions
        self._kept.sessions = {name: kept[name] for name in kept if name in sessions}

    def save(self) -> None:
        """Replace the file, whole."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self._path, msgspec.json.encode(self._kept))

    def _read(self) -> _Kept | None:
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return None
        except UNDECODABLE as error:
            raise self._unreadable(str(error)) from None
        if kept.version != VERSION:
            raise self._unreadable(f"it has version {kept.version}")
        return kept

    def _covers(self, kept: _Kept, first: str) -> bool:
        is_same = kept.store == self._store and set(self._wanted) <= set(kept.tables)
        return is_same and kept.begin <= first

    def _unreadable(self, reason: str) -> ConfigError:
        remedy = "remove it, and set `begin` to the date to feed from"
        return ConfigError([f"{self._path} is not read by this release: {reason}; {remedy}"])
