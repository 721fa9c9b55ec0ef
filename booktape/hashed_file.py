"""A hashed file counts and hashes the bytes that Arrow writes to it."""

import hashlib
from typing import BinaryIO, Final

FOOTER_END_BYTES: Final = 8  # the footer's length, four bytes, and "PAR1"


class HashedFile:
    """Counts and hashes the bytes that Arrow writes, from front to back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes = 0
        self.sha256 = hashlib.sha256()
        self.closed = False
        self.keeps_end = False  # whether to keep the last bytes written from now on
        self._end = bytearray()

    def write(self, data: bytes) -> int:
        """Write the bytes."""
        self.sha256.update(data)
        self.bytes += len(data)
        if self.keeps_end:
            self._end += data
        return self._file.write(data)

    def footer(self) -> bytes:
        """Return the end of the file: Parquet's metadata, its length and the last four letters."""
        size = int.from_bytes(self._end[-FOOTER_END_BYTES:-4], "little")
        return bytes(self._end[-FOOTER_END_BYTES - size :])
