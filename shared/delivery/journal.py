"""A journal keeps the frames of one session on disk until the writer has committed them.

The journal is the real queue: files `<first event number>.journal` in a folder named for the
session. The ingest that writes or has adopted it holds its `lock`. Two threads share a journal: one
appends, the sender's does everything else.
"""

import shutil
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from threading import Lock as Mutex
from typing import Final

from msgspec import structs

from booktape.store.files import PARTIAL_SUFFIX, make_folder, sync_folder
from shared.delivery.abandoned import LOCK_NAME, REMOVED_SUFFIX
from shared.delivery.backlog import Backlog
from shared.delivery.frame import Frame, decode_columns, encode
from shared.delivery.journal_file import Damage, FrameReader, JournalFile, find_files
from shared.errors import JournalError, LockHeld
from shared.process import log
from shared.process.files import Lock
from shared.process.room import explain_refusal, is_lack_of_room

JOURNAL_FILE_BYTES_MAX: Final = 16 * 1024 * 1024  # a file is full at this size
DAMAGES_MAX: Final = 100  # remembered for each journal; the log has all

_log = log.get(__name__)


class Journal:
    """Holds the frames of one session, whole and in order, without a missing number."""

    def __init__(
        self, path: Path, lock: Lock, files: list[JournalFile], *, first: int, last: Frame | None
    ) -> None:
        """Take over files that end before event number `first`; callers use `create` or `adopt`."""
        self.path = path
        self.session = path.name
        self.is_adopted = bool(files)
        self.next_number = first
        self.synced = files[0].first if files else first  # events below it survive a power cut
        self.damages: list[Damage] = []
        self.backlog = Backlog(sum(file.size for file in files), first)
        self.is_cut_short = False  # the writer may have events that are damaged here
        self._lock = lock
        self._files = files
        self._last = last
        self._mutex = Mutex()  # guards the list of files
        self._has_unsynced_names = bool(files)
        self._failure: str | None = None

    @classmethod
    def create(cls, folder: Path, session: str) -> "Journal":
        """Begin the journal of a new session in its exchange's folder.

        The folder appears with its lock held, so that nobody can adopt it. The caller holds the
        lock of the session's line.
        """
        line = session.partition("-")[2]
        partial = folder / (session + PARTIAL_SUFFIX)
        lock = Lock(partial / LOCK_NAME)
        try:
            make_folder(folder)
            _discard(folder.glob(f"*-{line}{PARTIAL_SUFFIX}"))
            _discard(folder.glob(f"*{REMOVED_SUFFIX}"))
            lock.acquire()
            partial.rename(folder / session)
            sync_folder(folder)
        except OSError as error:
            lock.release()
            raise JournalError(f"cannot create {folder / session}: {error}") from error
        return cls(folder / session, lock, [], first=0, last=None)

    @classmethod
    def adopt(cls, path: Path) -> "Journal | None":
        """Take over a journal whose owner is gone; return `None` if it has an owner.

        Raise `UnknownFrameVersion` if only another release can read it, `JournalError` if the disk
        refuses; both leave the journal alone.
        """
        if not path.is_dir():
            return None
        lock = Lock(path / LOCK_NAME)
        journal = None
        try:
            lock.acquire()
            journal = cls._recover(path, lock)
        except LockHeld:
            return None
        except OSError as error:
            raise JournalError(f"cannot adopt {path}: {error}") from error
        finally:
            if journal is None:
                lock.release()
        return journal

    @classmethod
    def _recover(cls, path: Path, lock: Lock) -> "Journal | None":
        """Find the end of the journal in its last file; cut off a record written in part."""
        files = find_files(path)
        if not files:  # the owner died before the first frame, or has just removed the journal
            _discard([_rename_away(path)])
            return None
        file = files[-1]
        reader = FrameReader(file.path, path.name)
        try:
            records = deque(reader.scan(0, file.size), maxlen=1)
            last, end = (records[0].frame, records[0].end) if records else (None, 0)
            is_torn = reader.is_torn(end, file.size)
        finally:
            reader.close()
        first = max(file.first, last.last + 1) if last else file.first
        journal = cls(path, lock, files, first=first, last=last)
        if end < file.size:
            tail = Damage(file.path, end, file.size - end, first, None)
            if is_torn:
                file.size = end
                file.cut_tail()
                _log.warning("a journal's torn last record is cut off", extra=_facts(tail))
            else:
                journal.note(tail)
                journal.is_cut_short = True
        return journal

    @property
    def base(self) -> int:
        """Return the oldest event number that this journal can supply."""
        with self._mutex:
            return self._files[0].first if self._files else self.next_number

    @property
    def bytes(self) -> int:
        """Return the journal's size on disk."""
        with self._mutex:
            return sum(file.size for file in self._files)

    @property
    def ended(self) -> bool:
        """Return whether its last event is a `session_end`."""
        last = self._last
        return last is not None and _is_end(last)

    def is_delivered(self, committed: int) -> bool:
        """Return whether the session has ended and all its events are below the watermark."""
        last = self._last
        return last is not None and last.last < committed and _is_end(last)

    def append(self, frame: Frame) -> None:
        """Write the next frame; the sender may send it once it is synced.

        Raise `JournalError` if the disk refuses; the journal keeps nothing of the frame, so the
        caller may try again, unless a sync has failed.
        """
        assert frame.session == self.session
        assert frame.first == self.next_number
        self._refuse_after_failure()
        if not self._files or self._is_full(self._files[-1]):
            self._roll()
        data = encode(frame)
        try:
            self._files[-1].append(data)
        except JournalError as error:
            # A bad block spoils only this file; a short write is the first sign of a full disk.
            is_empty = self._files[-1].first == self.next_number
            if is_empty or not error.__cause__ or is_lack_of_room(error.__cause__):
                raise
            _log.warning("the journal goes on in a new file", extra={"reason": str(error)})
            self._roll()
            self._files[-1].append(data)
        self._last = frame
        self.next_number = frame.last + 1
        self.backlog.add(len(data), self.next_number)

    def _is_full(self, file: JournalFile) -> bool:
        # A file of nothing but damage has no event: the next file would get the same name.
        return file.size >= JOURNAL_FILE_BYTES_MAX and file.first < self.next_number

    def _roll(self) -> None:
        file = JournalFile(self.path, first=self.next_number)
        try:
            file.create()
        except OSError as error:
            reason = explain_refusal(error, self.path)
            raise JournalError(f"cannot create {file.path}: {reason}") from error
        with self._mutex:
            self._files.append(file)
            self._has_unsynced_names = True

    def skip_to(self, number: int) -> None:
        """Go on with this event number in a new file: the writer has every event before it."""
        assert self.next_number <= number
        if number > self.next_number:
            self.next_number = number
            self._roll()

    def sync(self) -> None:
        """Make all appended frames survive a power cut.

        Raise `JournalError` if this or an earlier sync failed: the content of the disk is unknown
        then, so that only a new process, which reads it again, may go on.
        """
        self._refuse_after_failure()
        with self._mutex:
            end = self.next_number
            files = self._files.copy()
            has_unsynced_names, self._has_unsynced_names = self._has_unsynced_names, False
        sizes = [file.size for file in files]
        try:
            for file in files:
                if not file.is_synced:
                    file.sync()
                if file is not files[-1]:
                    file.close()  # it is full
            if has_unsynced_names:
                sync_folder(self.path)
        except OSError as error:
            self._failure = f"cannot sync {self.path}: {error}; check this disk"
            raise JournalError(self._failure) from error
        for file, size in zip(files, sizes, strict=True):
            file.synced_size = size
        self.synced = end

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise JournalError(self._failure)

    def file_of(self, number: int) -> JournalFile | None:
        """Return the file that has, or would have, this event; `None` before the first file."""
        with self._mutex:
            older = [file for file in self._files if file.first <= number]
            return older[-1] if older else next(iter(self._files), None)

    def file_after(self, file: JournalFile) -> JournalFile | None:
        """Return the next file, or `None` without one; a file with a next one no longer grows."""
        with self._mutex:
            return next((other for other in self._files if other.first > file.first), None)

    def note(self, damage: Damage) -> None:
        """Log damage, once."""
        if damage in self.damages or len(self.damages) >= DAMAGES_MAX:
            return
        self.damages.append(damage)
        _log.error("a journal is damaged", extra=_facts(damage))

    def trim(self, committed: int) -> None:
        """Delete the files without an event from this number on.

        The last file stays, for it shows which number is next.
        """
        with self._mutex:
            kept = len(self._files) - 1
            while kept > 0 and self._files[kept].first > committed:
                kept -= 1
            trimmed, self._files[:kept] = self._files[:kept], []
        self.backlog.settle_committed(committed)
        for file in trimmed:
            file.close()
            file.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the journal for good; its frames wait for an ingest to adopt them."""
        if self._failure is None:
            self._failure = f"{self.path} is closed"
        with self._mutex:
            for file in self._files:
                file.close()
        self._lock.release()

    def remove(self) -> None:
        """Delete the whole journal, which is committed to its end."""
        assert self.ended
        removed = _rename_away(self.path)
        self.close()
        _discard([removed])


def _is_end(frame: Frame) -> bool:
    rows = decode_columns(frame).feed_events
    return rows is not None and rows.kind[-1] == "session_end"


def _rename_away(path: Path) -> Path:
    """Make the whole folder vanish at once; its files may then be deleted at any time."""
    removed = path.with_name(path.name + REMOVED_SUFFIX)
    path.rename(removed)
    sync_folder(path.parent)
    return removed


def _discard(paths: Iterable[Path]) -> None:
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)


def _facts(damage: Damage) -> dict[str, object]:
    return {**structs.asdict(damage), "file": str(damage.file)}
