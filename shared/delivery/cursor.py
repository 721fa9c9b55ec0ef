"""Keeps the sender's cursor in a journal: the frame that it sends next."""

from pathlib import Path

from msgspec import structs

from shared.delivery.frame import encode
from shared.delivery.journal import Journal
from shared.delivery.journal_file import Damage, Found, FrameReader, JournalFile


class Cursor:
    """Walks the synced frames of one journal, past any damage.

    A frame's `base` promises that the journal can supply every event from that number up to the
    frame. Behind damage the base is the frame's own first number, and the writer gives up the
    events that it lacks before it. So such a frame waits until the writer has committed everything
    before the damage: only then can no writer, even after a kill, lack an event that we still have.
    """

    def __init__(self, journal: Journal) -> None:
        """Begin at the journal's base."""
        self._journal = journal
        self._file: JournalFile | None = None
        self._reader: FrameReader | None = None
        self.seek(0)

    def seek(self, number: int) -> None:
        """Go to the frame with this event, or to the oldest one if that frame is gone."""
        self.number = max(number, self._journal.base)
        """The next event number to be sent."""
        self._base = 0  # raised by damage that the cursor has passed
        self._found: Found | None = None
        self._open(None)

    def peek(self, committed: int) -> bytes | None:
        """Return the next frame for the pipe, or `None` if no frame may go yet.

        `committed` is the session's watermark.
        """
        if self._found is None:
            self._found = self._find()
        if self._found is None:
            return None
        frame = self._found.frame
        base = max(self._journal.base, self._base)
        if frame.first > self.number:
            if max(committed, base) < self.number:
                return None
            base = frame.first
        return encode(structs.replace(frame, base=base))

    def advance(self) -> None:
        """Go past the frame that `peek` returned."""
        assert self._found is not None
        frame = self._found.frame
        if frame.first > self.number:
            self._base = frame.first
        self.number = frame.last + 1
        self._found = None

    def close(self) -> None:
        """Close the file that is open."""
        self._open(None)

    def _open(self, file: JournalFile | None) -> None:
        if self._reader:
            self._reader.close()
        self._file = file
        self._reader = FrameReader(file.path, self._journal.session) if file else None
        self._offset = 0
        self._skipped: tuple[Path, int, int] | None = None

    def _find(self) -> Found | None:
        """Return the next synced record with an event from `number` on."""
        while True:
            found = self._read()
            if found is None:
                if not self._open_next():
                    return None
            elif found.frame.last >= self.number:
                if found.frame.first > self.number:
                    self._note(found)
                return found
            else:
                self._skipped = None

    def _read(self) -> Found | None:
        """Return the next intact record of the open file; remember any damage before it."""
        if self._file is None or self._reader is None:
            return None
        limit = self._file.synced_size
        found = next(self._reader.scan(self._offset, limit), None)
        until = found.offset if found else limit
        if until > self._offset and self._skipped is None:
            self._skipped = (self._file.path, self._offset, until - self._offset)
        self._offset = found.end if found else limit
        return found

    def _open_next(self) -> bool:
        """Go on to the next file; return False while this one is the last, or has unread records.

        The order of the checks matters: a file has its final size once another one follows it.
        """
        if self._file is None:
            following = self._journal.file_of(self.number)
        else:
            following = self._journal.file_after(self._file)
            if self._offset < self._file.size:
                return False
        if following is None:
            return False
        skipped = self._skipped
        self._open(following)
        self._skipped = skipped
        return True

    def _note(self, found: Found) -> None:
        assert self._reader is not None
        path, offset, size = self._skipped or (self._reader.path, found.offset, 0)
        self._journal.note(Damage(path, offset, size, self.number, found.frame.first))
        self._skipped = None
