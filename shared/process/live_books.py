"""Describes the live books that an ingest shows while somebody looks at them.

Whoever looks keeps a lease: the symbols, and until when they are wanted. While it stands, each line
of that exchange replaces a file of their best levels once a second; without one nobody pays.
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
    """Whose books of an exchange are wanted, and until when, in ns since 1970, UTC."""

    symbols: list[str]
    until: int


class LiveBook(Struct, frozen=True):
    """The best levels of one book, best first; its sequence where it has one."""

    sequence: int | None
    bids: list[Level]
    asks: list[Level]


class LiveBooks(Struct, frozen=True):
    """The books of one line that are wanted and live, and which symbols have a live book."""

    ts: int
    exchange: str
    line: str
    session: str
    books: dict[str, LiveBook]
    symbols: list[str]


AnyFile = TypeVar("AnyFile", Lease, LiveBooks)


def read_file(path: Path, kind: type[AnyFile]) -> AnyFile | None:
    """Return what a lease or a file of books says; None where it is not there or says nothing."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, *UNDECODABLE):
        return None


def write_file(path: Path, value: Lease | LiveBooks) -> None:
    """Replace it; nobody needs it after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, msgspec.json.encode(value), fsync=False)
