"""Fetches ranges of bytes of one object, and serves them as a file."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

Range = tuple[int, int]  # its beginning, its length

GAP_BYTES_MAX: Final = 64 * 1024  # read a smaller gap between two ranges with them
MAGIC: Final = b"PAR1"


class Gather(Protocol):
    """Does one work for many items, several at once if each is a request."""

    def __call__(self, work: Callable[[Range], bytes], items: Sequence[Range], /) -> list[bytes]:
        """Return the results, in order."""
        ...


def take_turns(work: Callable[[Range], bytes], items: Sequence[Range]) -> list[bytes]:
    """Do the work for one item after the other; return the results."""
    return [work(item) for item in items]


def with_magic(ranges: Iterable[Range]) -> Iterator[Range]:
    """Yield the ranges; extend one that begins right after the file's first four letters."""
    for first, length in ranges:
        behind = first if first <= len(MAGIC) else 0
        yield first - behind, length + behind


def join_ranges(ranges: Iterable[Range], *, gap_bytes_max: int = GAP_BYTES_MAX) -> Iterator[Range]:
    """Yield the ranges; join those that nearly touch."""
    begin = end = -1
    for first, length in ranges:
        if end >= 0 and first <= end + gap_bytes_max:
            end = max(end, first + length)
            continue
        if end >= 0:
            yield begin, end - begin
        begin, end = first, first + length
    if end >= 0:
        yield begin, end - begin


class Source:
    """A file for Arrow of which only some ranges are in memory."""

    closed = False

    def __init__(self, size: int) -> None:
        self._ranges: list[tuple[int, bytes]] = []
        self._size = size
        self._place = 0

    def hold(self, ranges: list[tuple[int, bytes]]) -> None:
        """Hold these ranges, and drop all others."""
        self._ranges = ranges

    def find(self, first: int, length: int) -> bytes:
        """Return held bytes; asking for others is a fault of ours."""
        for begin, data in self._ranges:
            if begin <= first and first + length <= begin + len(data):
                return data[first - begin : first - begin + length]
        raise OSError(f"no bytes from {first} to {first + length}")

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        data = self.find(self._place, size)
        self._place += size
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the place; return it."""
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}
        self._place = bases[whence] + offset
        return self._place

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Do nothing: there is no file."""
