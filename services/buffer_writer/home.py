"""Remembers the spool's home: the one store that gets all flushes of its sessions."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from typing_extensions import override

from booktape.errors import UNDECODABLE, AlreadyStored, ConfigError
from booktape.store.protocol import ObjectInfo, Store
from booktape.store.storage import Storage
from services.buffer_writer.committed import Committed
from services.buffer_writer.manifest import session_of
from shared.process import log
from shared.process.files import write_atomic

_log = log.get(__name__)


class _Home(Struct, frozen=True):
    """A store by its address; `is_used` once it got an object."""

    url: str
    endpoint_url: str
    is_used: bool = False


def find_home(path: Path, storage: Storage, committed: Committed) -> bool:
    """Return whether this store has objects of this spool already.

    Raise `ConfigError` if another store has objects of a session that still goes on.
    """
    home = _read(path)
    if home is None:
        return False
    if _is_same(home, storage):
        return home.is_used
    sessions = {name for name, known in committed.sessions().items() if not known.may_have_ended}
    sessions |= {session_of(name) for name in committed.names()}
    if sessions:
        fault = (
            f"storage.url = {storage.url!r}: {len(sessions)} sessions that began in {home.url} go "
            "on there. Set it back, start and stop everything, which ends and stores them, then "
            f"change it; if it is the same tape at another address, remove {path}"
        )
        raise ConfigError([fault])
    _log.info("the spool has a new store", extra={"before": home.url, "store": storage.url})
    return False


class Home(Store):
    """Remembers a store before its first put, and once more after it."""

    def __init__(self, store: Store, path: Path, storage: Storage) -> None:
        """Note in `path` that objects go to this store."""
        self._store = store
        self._path = path
        self._storage = storage
        self._noted = _read(path)

    @override
    def put(self, path: Path, key: str) -> None:
        if self._noted is None or not _is_same(self._noted, self._storage):
            self._note(is_used=False)
        try:
            self._store.put(path, key)
        except AlreadyStored:
            self._confirm()
            raise
        self._confirm()

    @override
    def head(self, key: str) -> ObjectInfo | None:
        return self._store.head(key)

    @override
    def get(self, key: str) -> bytes:
        return self._store.get(key)

    @override
    def get_range(self, key: str, first: int, length: int) -> bytes:
        return self._store.get_range(key, first, length)

    @override
    def folders(self, prefix: str) -> Sequence[str]:
        return self._store.folders(prefix)

    @override
    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._store.list(prefix)

    def _confirm(self) -> None:
        assert self._noted is not None
        if not self._noted.is_used:
            self._note(is_used=True)

    def _note(self, *, is_used: bool) -> None:
        noted = _Home(self._storage.url, self._storage.endpoint_url, is_used)
        write_atomic(self._path, msgspec.json.encode(noted))
        self._noted = noted


def _is_same(home: _Home, storage: Storage) -> bool:
    return (home.url, home.endpoint_url) == (storage.url, storage.endpoint_url)


def _read(path: Path) -> _Home | None:
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except UNDECODABLE as error:
        _log.warning("cannot read the spool's store", extra={"reason": str(error)})
        return None


_decoder = msgspec.json.Decoder(_Home)
