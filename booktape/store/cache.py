"""A cache keeps objects of a bucket in a folder; objects never change, so it fetches each once."""

import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from booktape.store.files import PARTIAL_SUFFIX
from booktape.store.protocol import ObjectInfo, Store

CACHE_BYTES_MAX: Final = 8 << 30
OBJECT_BYTES_MAX: Final = 64 << 20  # read larger objects by ranges, and keep nothing of them
LOCKS: Final = 64  # of objects fetched at once
CLEAN_SHARE: Final = 0.8  # of the bound: a cleaning leaves so much


class CachedStore:
    """A store, with a folder that keeps the objects read from it, bounded in bytes.

    The cache warns once of a fault of its folder, and reads on from the store.
    """

    def __init__(
        self, store: Store, folder: Path, *, scope: str, bytes_max: int = CACHE_BYTES_MAX
    ) -> None:
        """Keep objects in a folder of `folder`; `scope` distinguishes stores."""
        self._store = store
        self._folder = folder / sha256(scope.encode()).hexdigest()[:16]
        self._bytes_max = bytes_max
        self._bytes: int | None = None  # not counted yet
        self._is_off = False
        # Callers may ask for several ranges of one object at once; fetch it once for all of them.
        self._fetching = tuple(threading.RLock() for _ in range(LOCKS))
        self._writing = threading.Lock()

    def put(self, path: Path, key: str) -> None:
        """Store the file; keep no copy."""
        self._store.put(path, key)

    def head(self, key: str) -> ObjectInfo | None:
        """Return the store's facts of one object."""
        return self._store.head(key)

    def get(self, key: str) -> bytes:
        """Return an object from the folder, else from the store."""
        with self._fetching[hash(key) % LOCKS]:
            data = self._read(key)
            if data is None:
                data = self._store.get(key)
                if len(data) <= OBJECT_BYTES_MAX:
                    self._write(key, data)
            return data

    def get_range(self, key: str, first: int, length: int) -> bytes:
        """Return some bytes of an object; fetch a small object whole."""
        with self._fetching[hash(key) % LOCKS]:
            path = self._path(key)
            with suppress(OSError), path.open("rb", buffering=0) as file:
                file.seek(first)
                return file.read(length)
            if not self._is_off:
                info = self._store.head(key)
                if info is not None and info.bytes <= OBJECT_BYTES_MAX:
                    return self.get(key)[first : first + length]
        return self._store.get_range(key, first, length)

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the store's folders."""
        return self._store.folders(prefix)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Return the store's objects, because the store grows."""
        return self._store.list(prefix)

    def _path(self, key: str) -> Path:
        return self._folder / key

    def _read(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            data = path.read_bytes()
            os.utime(path)  # mark it as used now
        except FileNotFoundError:
            return None
        except OSError as error:
            self._give_up(error)
            return None
        return data

    def _write(self, key: str, data: bytes) -> None:
        """Keep an object: write it beside its place, then rename it, so that it is whole."""
        if self._is_off:
            return
        path = self._path(key)
        partial = path.with_name(f"{path.name}.{os.getpid()}{PARTIAL_SUFFIX}")
        try:
            with self._writing:
                path.parent.mkdir(parents=True, exist_ok=True)
                partial.write_bytes(data)
                partial.replace(path)
                self._bound(len(data))
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            self._give_up(error)

    def _bound(self, added: int) -> None:
        """Remove the objects used longest ago once the folder holds more than its bound."""
        if self._bytes is not None:
            self._bytes += added
            if self._bytes <= self._bytes_max:
                return
        files = [
            (status.st_mtime, status.st_size, path)
            for path in self._folder.rglob("*")
            if path.is_file() and (status := path.stat())
        ]
        self._bytes = sum(size for _, size, _ in files)
        if self._bytes <= self._bytes_max:
            return
        for _, size, path in sorted(files):
            if self._bytes <= self._bytes_max * CLEAN_SHARE:
                return
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _give_up(self, error: OSError) -> None:
        if not self._is_off:
            self._is_off = True
            reason = (error.strerror or str(error)).lower()
            warnings.warn(
                f"the cache {self._folder} cannot be used: {reason}; reading goes on without it",
                stacklevel=2,
            )
