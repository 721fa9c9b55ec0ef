"""The protocol of a store: objects that are put once and never change."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct


class ObjectInfo(Struct, frozen=True):
    """One object; `sha256` is None if the store would have to read the object for it."""

    key: str
    bytes: int
    sha256: str | None = None


class Store(Protocol):
    """A folder or a bucket. Every method may raise StoreError, which names a remedy."""

    def put(self, path: Path, key: str) -> None:
        """Store the file under the key, whole or not at all; raise AlreadyStored if it has one."""
        ...

    def head(self, key: str) -> ObjectInfo | None:
        """Return the facts of one object, or None without one."""
        ...

    def get(self, key: str) -> bytes:
        """Return the whole object."""
        ...

    def get_range(self, key: str, first: int, length: int) -> bytes:
        """Return the bytes of an object from `first` on, fewer if it ends before."""
        ...

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names between the prefix and the next "/", in order."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with the prefix, by key."""
        ...
