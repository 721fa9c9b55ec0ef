"""Chains the sessions of a line: a small file names the last one, for the next one to name it.

The file outlives the session's journal. A session writes it once its own first event is synced:
then the named session reaches the tape, or the tape shows that it is missing. If a session was
killed before that, its journal names it instead.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE, TapeError
from booktape.keys import are_of_one_line, exchange_of, line_of
from booktape.store.files import make_folder
from shared.delivery.frame import Frame, decode_columns
from shared.delivery.journal_file import FrameReader, find_files
from shared.errors import FrameError, UnknownFrameVersion
from shared.process import log
from shared.process.files import write_atomic
from shared.process.state import StateFolder

_log = log.get(__name__)


class Chain:
    """Finds the session before this one, then names this one for the next."""

    def __init__(self, state: Path, session: str) -> None:
        """Find the session before; this session needs no journal yet."""
        folder, exchange = StateFolder(state), exchange_of(session)
        self._session = session
        self._path = folder.last_session(exchange, line_of(session))
        self._journals, self._sessions = folder.journals_of(exchange), folder.sessions
        remembered = self._read()
        self.before = self._follow(remembered) if remembered else max(self._find(), default=None)
        """`None` if the state folder knows no session of this line."""
        self.is_remembered = False

    def remember(self) -> None:
        """Write the file, so that the next session names this one, whose first event is synced."""
        try:
            make_folder(self._path.parent)
            write_atomic(self._path, msgspec.json.encode(_Line(self._session)))
        except OSError as error:  # a full disk; the next look tries again
            _log.warning("cannot remember this session", extra={"reason": error.strerror})
        else:
            self.is_remembered = True

    def _read(self) -> str | None:
        try:
            session = _line_decoder.decode(self._path.read_bytes()).session
            reason = "" if are_of_one_line(session, self._session) else "it is of another line"
        except FileNotFoundError:
            return None
        except (OSError, TapeError, *UNDECODABLE) as error:
            session, reason = None, str(error)
        if not reason:
            return session
        facts = {"path": str(self._path), "reason": reason}
        _log.error("no file remembers this line's last session", extra=facts)
        return None

    def _follow(self, session: str) -> str:
        """Return the last of the sessions that follow this one and were killed at once."""
        after = {before: name for name, before in self._find_journals() if before}
        while (follower := after.pop(session, None)) is not None:
            session = follower
        return session

    def _find(self) -> Iterator[str]:
        """Yield the line's other sessions on this disk: an earlier release wrote no such file."""
        yield from (name for name, _ in self._find_journals())
        yield from (path.stem for path in self._sessions.glob("*.json") if self._is_of(path.stem))

    def _find_journals(self) -> Iterator[tuple[str, str | None]]:
        """Yield each session that has an event, with the session that it follows, if it names one.

        A session that died before its first event is on no tape.
        """
        for path in self._journals.glob("*"):
            if not self._is_of(path.name):
                continue
            try:
                frame = _read_first(path)
            except UnknownFrameVersion:
                yield path.name, None
            except OSError as error:
                facts = {"path": str(path), "reason": error.strerror}
                _log.warning("cannot read a journal", extra=facts)
            else:
                if frame:
                    yield path.name, _find_before(frame)

    def _is_of(self, name: str) -> bool:
        """Return whether this is another session of the line."""
        try:
            return name != self._session and are_of_one_line(name, self._session)
        except TapeError:
            return False


def _read_first(journal: Path) -> Frame | None:
    for file in find_files(journal):
        reader = FrameReader(file.path, journal.name)
        try:
            for found in reader.scan(0, file.size):
                return found.frame
        finally:
            reader.close()
    return None


def _find_before(frame: Frame) -> str | None:
    """Return the session that the frame's `session_start` names, if that is its first event."""
    try:
        rows = decode_columns(frame).feed_events
        if frame.first == 0 and rows and rows.kind[0] == "session_start":
            return _start_decoder.decode(rows.detail[0]).session_before
    except (FrameError, LookupError, *UNDECODABLE):
        pass  # a damaged journal, which the writer will report
    return None


class _Line(Struct):
    session: str


class _Start(Struct):
    session_before: str | None = None


_line_decoder = msgspec.json.Decoder(_Line)
_start_decoder = msgspec.json.Decoder(_Start)
