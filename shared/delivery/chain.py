"""A small file remembers each line's last session, so that the next one can name it.

It outlives the session's journal. It is written once the session's first event is synced: what
it names is on the tape some day, or is missed there. A session that is killed before that is
named by nobody.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE, TapeError
from booktape.keys import are_of_one_line, exchange_of, line_of
from booktape.store.files import make_folder
from shared.delivery.journal_file import FrameReader, find_files
from shared.errors import UnknownFrameVersion
from shared.process import log
from shared.process.files import write_atomic

FOLDER: Final = "lines"
_log = log.get(__name__)


class Chain:
    """The session before this one, and this one for the next."""

    def __init__(self, state: Path, session: str) -> None:
        """Find the session before; this one's journal need not be there yet."""
        exchange = exchange_of(session)
        self._session = session
        self._path = state / FOLDER / f"{exchange}-{line_of(session)}.json"
        self._places = (state / "journal" / exchange, state / "sessions")
        self.before = self._read() or max(self._find(), default=None)
        """`None` where the state folder knows of no session of this line."""
        self.is_remembered = False

    def remember(self) -> None:
        """Let the next session name this one, whose first event is synced by now."""
        try:
            make_folder(self._path.parent)
            write_atomic(self._path, msgspec.json.encode(_Line(self._session)))
        except OSError as error:  # a full disk; it is tried again
            _log.warning("cannot remember this session", extra={"reason": error.strerror})
        else:
            self.is_remembered = True

    def _read(self) -> str | None:
        try:
            session = _decoder.decode(self._path.read_bytes()).session
            reason = "" if are_of_one_line(session, self._session) else "it is of another line"
        except FileNotFoundError:
            return None
        except (OSError, TapeError, *UNDECODABLE) as error:
            session, reason = None, str(error)
        if not reason:
            return session
        facts = {"path": str(self._path), "reason": reason}
        _log.error("nobody remembers this line's last session", extra=facts)
        return None

    def _find(self) -> Iterator[str]:
        """Yield what else the disk knows of this line: an earlier release remembered nothing."""
        journals, sessions = self._places
        for path in journals.glob("*"):
            if self._is_before(path.name) and _has_event(path):
                yield path.name
        for path in sessions.glob("*.json"):
            if self._is_before(path.stem):
                yield path.stem

    def _is_before(self, name: str) -> bool:
        try:
            return name != self._session and are_of_one_line(name, self._session)
        except TapeError:
            return False


def _has_event(journal: Path) -> bool:
    """Say whether there is a whole record; one that died before its first is on no tape."""
    try:
        return any(_has_record(file.path, journal.name, file.size) for file in find_files(journal))
    except UnknownFrameVersion:
        return True
    except OSError as error:
        _log.warning(
            "cannot read a journal", extra={"path": str(journal), "reason": error.strerror}
        )
        return False


def _has_record(path: Path, session: str, size: int) -> bool:
    reader = FrameReader(path, session)
    try:
        return next(reader.scan(0, size), None) is not None
    finally:
        reader.close()


class _Line(Struct):
    session: str


_decoder = msgspec.json.Decoder(_Line)
