"""A journal file is a record file whose payloads are the frames of one session."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct

from shared.delivery.frame import Frame, decode
from shared.errors import FrameError, UnknownFrameVersion
from shared.process.record_file import RecordFile, RecordReader

_NAME: Final = re.compile(r"(\d{12}|[1-9]\d{12,})\.journal")


class Damage(Struct, frozen=True):
    """A stretch of a journal without an intact record: damaged bytes, or missing files.

    `next_present` is the first event after it, or `None` at the end of a journal.
    """

    file: Path
    offset: int
    bytes: int
    first_missing: int
    next_present: int | None


class JournalFile(RecordFile):
    """The record file whose first record begins with the event number `first`."""

    def __init__(self, folder: Path, *, first: int) -> None:
        """Name the file; open nothing."""
        super().__init__(folder / f"{first:012}.journal")
        self.first = first


def find_files(folder: Path) -> list[JournalFile]:
    """Return the files of a journal in the order of their events."""
    matches = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    files = [JournalFile(folder, first=int(match[1])) for match in matches if match]
    for file in files:
        file.size = file.path.stat().st_size
    return sorted(files, key=lambda file: file.first)


class Found(NamedTuple):
    """An intact record and its place in the file, from `offset` to before `end`."""

    frame: Frame
    offset: int
    end: int


class FrameReader:
    """Reads the frames of one session from one file, while another thread may append to it.

    `limit` is the offset at which the caller knows that the records end.
    """

    def __init__(self, path: Path, session: str) -> None:
        self.path = path
        self._session = session
        self._records = RecordReader(path)

    def close(self) -> None:
        """Close the file."""
        self._records.close()

    def scan(self, offset: int, limit: int) -> Iterator[Found]:
        """Yield the intact records from `offset` on; skip all other bytes.

        Raise `UnknownFrameVersion` at a record that only another release can read.
        """
        position: int | None = offset
        while position is not None:
            found = self._read(position, limit)
            if found:
                yield found
                position = found.end
            else:
                position = self._records.find(position + 1, limit)

    def is_torn(self, offset: int, limit: int) -> bool:
        """Return whether a record begins at `offset` whose end is missing."""
        return self._records.is_torn(offset, limit)

    def _read(self, offset: int, limit: int) -> Found | None:
        record = self._records.read(offset, limit)
        if record is None:
            return None
        try:
            frame = decode(record.payload)
        except UnknownFrameVersion:
            raise
        except FrameError:
            return None
        return Found(frame, offset, record.end) if frame.session == self._session else None
