"""A record file holds one record after another, each proven by its checksum.

A record is a header (magic, length, CRC-32C of length and payload) and a payload. This form never
changes; only the payload may, under its own version.
"""

import os
import struct
from pathlib import Path
from typing import Final, NamedTuple

from google_crc32c import extend

from shared.errors import JournalError
from shared.process.room import explain_refusal

# UTF-8 never has a byte C1, and MessagePack has no type C1: so payloads rarely contain it.
MAGIC: Final = b"\xc1BJ1"
HEADER: Final = struct.Struct("<4sII")
READ_BYTES: Final = 1024 * 1024  # at a time, unless a record is longer
PAYLOAD_BYTES_MAX: Final = 256 * 1024 * 1024  # far above any book; a length above it is damage

_LENGTH: Final = struct.Struct("<I")


class RecordFile:
    """Appends records to one file; its owner sets `synced_size` after each sync."""

    def __init__(self, path: Path) -> None:
        """Name the file; open nothing."""
        self.path = path
        self.size = 0  # where its records end
        self.synced_size = 0
        self._descriptor: int | None = None

    @property
    def is_synced(self) -> bool:
        """Return whether the whole file would survive a power cut."""
        return self.synced_size == self.size

    def create(self) -> None:
        """Create the file, which must not exist yet."""
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)

    def append(self, payload: bytes) -> None:
        """Write one record; on failure cut the file back to the record's beginning.

        A short write is the first sign of a full disk; a torn record would hide the records after
        it. The caller may append the same record again once the disk has room.
        """
        record = pack(payload)
        refusal: OSError | None = None
        try:
            written = os.pwrite(self._open(), record, self.size)
            reason = f"only {written} of {len(record)} bytes were taken; make room on this disk"
        except OSError as error:
            written, reason, refusal = 0, explain_refusal(error, self.path), error
        if written < len(record):
            self.cut_tail()
            raise JournalError(f"cannot append to {self.path}: {reason}") from refusal
        self.size += written

    def cut_tail(self) -> None:
        """Remove the bytes beyond the last whole record."""
        try:
            os.ftruncate(self._open(), self.size)
        except OSError as error:
            raise JournalError(f"cannot cut {self.path} to {self.size} B: {error}") from error

    def sync(self) -> None:
        """Make all records so far survive a power cut; never retry after a failure.

        Linux reports a failed write-back once; a second sync would claim success for pages that
        were dropped: https://wiki.postgresql.org/wiki/Fsync_Errors
        """
        os.fdatasync(self._open())

    def close(self) -> None:
        """Close the file; harmless if it is not open."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDWR)
        return self._descriptor


class Record(NamedTuple):
    """An intact payload; its record ends before `end`."""

    payload: bytes
    end: int


class RecordReader:
    """Reads the records of one file, while another thread may append to it.

    `limit` is the offset at which the caller knows that the records end.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        self._block = b""
        self._block_offset = 0

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def read(self, offset: int, limit: int) -> Record | None:
        """Return the record that begins at `offset`, or `None` if no intact one does."""
        header = self._bytes(offset, HEADER.size, limit)
        if len(header) < HEADER.size:
            return None
        magic, length, checksum = HEADER.unpack(header)
        start = offset + HEADER.size
        end = start + length
        if magic != MAGIC or length > PAYLOAD_BYTES_MAX or end > limit:
            return None
        payload = self._bytes(start, length, limit)
        return Record(payload, end) if _checksum(payload) == checksum else None

    def is_torn(self, offset: int, limit: int) -> bool:
        """Return whether a record begins at `offset` whose end is missing."""
        header = self._bytes(offset, HEADER.size, limit)
        if len(header) < HEADER.size:
            return MAGIC.startswith(header[: len(MAGIC)])
        magic, length, _ = HEADER.unpack(header)
        return bool(magic == MAGIC and offset + HEADER.size + length > limit)

    def find(self, offset: int, limit: int) -> int | None:
        """Return the next offset, from `offset` on, at which a record may begin."""
        while offset + len(MAGIC) <= limit:
            self._load(offset, len(MAGIC), limit)
            at = self._block.find(MAGIC, offset - self._block_offset)
            if at >= 0:
                return self._block_offset + at
            end = self._block_offset + len(self._block)
            if end < offset + len(MAGIC):  # the file was cut short meanwhile
                break
            offset = end - len(MAGIC) + 1  # the start of a magic may end the block
        return None

    def _bytes(self, offset: int, size: int, limit: int) -> bytes:
        self._load(offset, size, limit)
        start = offset - self._block_offset
        return self._block[start : start + size]

    def _load(self, offset: int, size: int, limit: int) -> None:
        """Load a block with these bytes, as far as they lie below `limit`."""
        end = min(offset + size, limit)
        if self._block_offset <= offset and end <= self._block_offset + len(self._block):
            return
        wanted = min(max(size, READ_BYTES), limit - offset)
        self._block, self._block_offset = os.pread(self._descriptor, wanted, offset), offset


def pack(payload: bytes) -> bytes:
    """Return the record of a payload."""
    assert len(payload) <= PAYLOAD_BYTES_MAX
    return HEADER.pack(MAGIC, len(payload), _checksum(payload)) + payload


def _checksum(payload: bytes) -> int:
    return int(extend(extend(0, _LENGTH.pack(len(payload))), payload))
