"""Overlays a store with local files: it shows a day as it will be with its certificate."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from booktape.store.protocol import ObjectInfo, Store


class Overlay:
    """Reads another store, plus a few objects that this store does not have yet.

    Below `fixed` it shows only the named objects, not those that come meanwhile.
    """

    def __init__(
        self, store: Store, files: dict[str, Path | bytes], *, fixed: str, names: frozenset[str]
    ) -> None:
        self._store = store
        self._files = files
        self._fixed = fixed
        self._names = names

    def put(self, path: Path, key: str) -> None:
        """Put the object into the other store."""
        self._store.put(path, key)

    def head(self, key: str) -> ObjectInfo | None:
        """Return the facts of one object."""
        found = self._files.get(key)
        return self._store.head(key) if found is None else ObjectInfo(key, _measure(found))

    def get(self, key: str) -> bytes:
        """Return the whole object."""
        found = self._files.get(key)
        if found is None:
            return self._store.get(key)
        return found if isinstance(found, bytes) else found.read_bytes()

    def get_range(self, key: str, first: int, length: int) -> bytes:
        """Return the bytes of an object from `first` on."""
        found = self._files.get(key)
        if found is None:
            return self._store.get_range(key, first, length)
        if isinstance(found, bytes):
            return found[first : first + length]
        with found.open("rb", buffering=0) as file:
            file.seek(first)
            return file.read(length)

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names between the prefix and the next "/", in order."""
        own = (key[len(prefix) :].partition("/") for key in self._files if key.startswith(prefix))
        found = {name for name, slash, _ in own if slash}
        return sorted(found.union(self._store.folders(prefix)))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with the prefix, by key."""
        own = {
            key: ObjectInfo(key, _measure(found))
            for key, found in self._files.items()
            if key.startswith(prefix)
        }
        for info in self._store.list(prefix):
            if not info.key.startswith(self._fixed) or info.key in self._names:
                own.setdefault(info.key, info)
        yield from (own[key] for key in sorted(own))


def _measure(found: Path | bytes) -> int:
    return len(found) if isinstance(found, bytes) else found.stat().st_size
