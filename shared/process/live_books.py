"""Describes the files of live books, which an ingest writes while somebody looks at them.

The viewer keeps a lease: the wanted symbols, and the lease's end. Meanwhile each line of that
exchange replaces a file of their best levels once a second; without a lease this costs nothing.
"""

from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE
from booktape.ladder import Level
from shared.process.files import write_atomic

SYMBOLS_MAX: Final = 8  # of one exchange
LEASE_NS: Final = 10 * 10**9


class Lease(Struct, frozen=True):
    """The wanted books of an exchange until a time, in ns since 1970, UTC."""

    symbols: list[str]
    until: int


class LiveBook(Struct, frozen=True):
    """The best levels of one book, best first; its sequence if it has one."""

    sequence: int | None
    bids: list[Level]
    asks: list[Level]


class LiveBooks(Struct, frozen=True):
    """The wanted live books of one line, and all symbols that have a live book."""

    ts: int
    exchange: str
    line: str
    session: str
    books: dict[str, LiveBook]
    symbols: list[str]


AnyFile = TypeVar("AnyFile", Lease, LiveBooks)


def read_file(path: Path, kind: type[AnyFile]) -> AnyFile | None:
    """Return a lease or a file of books; None if it is missing or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, *UNDECODABLE):
        return None


def write_file(path: Path, value: Lease | LiveBooks) -> None:
    """Replace the file, unsynced: it is worthless after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, msgspec.json.encode(value), fsync=False)
