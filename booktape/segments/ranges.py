"""Fetches ranges of bytes of one object, and makes a file of these alone."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

Range = tuple[int, int]  # where it begins, how long it is

GAP_BYTES_MAX: Final = 64 * 1024  # less between two ranges is read with them
MAGIC: Final = b"PAR1"


class Gather(Protocol):
    """Does the same work for many; several at once where each is a request."""

    def __call__(self, work: Callable[[Range], bytes], items: Sequence[Range], /) -> list[bytes]:
        """Return the results, in order."""
        ...


def take_turns(work: Callable[[Range], bytes], items: Sequence[Range]) -> list[bytes]:
    """Return the results of work that is done one after the other."""
    return [work(item) for item in items]


def with_magic(ranges: Iterable[Range]) -> Iterator[Range]:
    """Yield the ranges; what follows the first four letters of the file comes with them."""
    for first, length in ranges:
        behind = first if first <= len(MAGIC) else 0
        yield first - behind, length + behind


def join_ranges(ranges: Iterable[Range], *, gap_bytes_max: int = GAP_BYTES_MAX) -> Iterator[Range]:
    """Yield ranges, those that nearly touch as one."""
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
    """A file of which some ranges are there, as Arrow takes one."""

    closed = False

    def __init__(self, size: int) -> None:
        self._ranges: list[tuple[int, bytes]] = []
        self._size = size
        self._place = 0

    def hold(self, ranges: list[tuple[int, bytes]]) -> None:
        """Have these ranges and no others."""
        self._ranges = ranges

    def find(self, first: int, length: int) -> bytes:
        """Return bytes that are there; what is not would be a fault of ours."""
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
        """Go to a place; return it."""
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}
        self._place = bases[whence] + offset
        return self._place

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def close(self) -> None:
        """Do nothing: there is no file."""
