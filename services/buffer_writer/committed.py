"""Keeps the committed progress of each session, and the manifests that wait for the store.

A waiting manifest and its session's record change together. One thread commits, another uploads
and discards; `lock` guards the data of both. No thread holds it while it writes or reads a segment.
"""

from threading import Lock
from typing import Final, NamedTuple

from booktape.manifest import Manifest
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.manifest import count_bytes, next_of, session_of
from services.buffer_writer.reserve import Reserve
from services.buffer_writer.sessions import Known, SessionFiles


class _Waiting(NamedTuple):
    """A manifest that waits for the store."""

    bytes: int
    ts: int


class Committed:
    """Keeps the known sessions, and the waiting manifests by name, oldest first."""

    def __init__(self, sessions: SessionFiles, reserve: Reserve) -> None:
        """Start with nothing, before `load`."""
        self.lock: Final = Lock()
        self._sessions = sessions
        self._reserve = reserve
        self._waiting: dict[str, _Waiting] = {}

    def load(self) -> None:
        """Read the record of each session."""
        self._sessions.load()

    @property
    def waiting_bytes(self) -> int:
        """Return the bytes of all segments still to upload."""
        return sum(waiting.bytes for waiting in self._waiting.copy().values())

    @property
    def oldest_ts(self) -> int | None:
        """Return the time of the oldest waiting manifest."""
        return min((waiting.ts for waiting in self._waiting.copy().values()), default=None)

    def names(self) -> list[str]:
        """Return the name of each waiting manifest."""
        return list(self._waiting)

    def sessions(self) -> dict[str, Known]:
        """Return the record of each session."""
        with self.lock:
            return {session: self._known(session) for session in self._sessions.names()}

    def has_journal(self, session: str) -> bool:
        """Return whether a session still has its journal."""
        return self._sessions.has_journal(session)

    def is_new(self, session: str) -> bool:
        """Return whether this disk has no trace of a session."""
        return not self._sessions.is_marked(session) and not self.reach(session)

    def reach(self, session: str) -> int:
        """Return the number after a session's committed events, as far as this disk knows.

        It is 0 for an unknown session.
        """
        numbers = [next_of(name) for name in self.names() if session_of(name) == session]
        if known := self._sessions.get(session):
            numbers.append(known.next)
        return max(numbers, default=0)

    def begin(self, session: str, next_number: int) -> None:
        """Begin the record of a session; raise OSError if the disk refuses."""
        known = Known(next_number, ended=False, is_found=next_number > 0)
        with self.lock:
            self._reserve.lend(lambda: self._sessions.mark(session))
            self._reserve.lend(lambda: self._sessions.write(session, known))

    def forget_done(self) -> list[str]:
        """Forget and return the sessions that the store has to their end, without a journal."""
        with self.lock:
            waiting = {session_of(name) for name in self._waiting}
            done = [
                session
                for session in self._sessions.names()
                if self._known(session).may_have_ended
                and session not in waiting
                and not self._sessions.has_journal(session)
            ]
            for session in done:
                self._sessions.forget(session)
        return done

    def note(self, run: FrameRun) -> None:
        """Save the facts of a run that no manifest holds; call this before its commit."""
        with self.lock:
            known = self._known(run.session)
            announced = known.announce(run.first, run.last, run.resumes_at, is_end=run.ends_session)
            if announced != known:
                self._sessions.write(run.session, announced)

    def add(self, name: str, manifest: Manifest, *, resumes_at: int) -> None:
        """Add a manifest just committed, and move its session on."""
        with self.lock:
            self._waiting[name] = _Waiting(count_bytes(manifest), manifest.written_at)
            known = self._known(manifest.session).reach(manifest.last + 1)
            assert known.next == resumes_at
            self._sessions.set(manifest.session, known)

    def recover(self, name: str, manifest: Manifest) -> None:
        """Add a manifest found at the start."""
        self._waiting[name] = _Waiting(count_bytes(manifest), manifest.written_at)
        known = self._sessions.get(manifest.session)
        if known:
            self._sessions.set(manifest.session, known.reach(manifest.last + 1))

    def save(self, session: str) -> None:
        """Save a session's progress, unless its file was lost: then the store knows better.

        The caller holds the lock.
        """
        known = self._sessions.get(session)
        if known:
            self._write(session, known)

    def save_aside(self, name: str) -> None:
        """Save that a manifest's range is committed, though the store will never list it.

        The caller holds the lock.
        """
        session = session_of(name)
        known = self._sessions.get(session)
        if known is None and name in self._waiting:
            known = Known(self.reach(session), ended=False, is_found=True)
        if known:
            self._write(session, known)

    def remove(self, name: str) -> None:
        """Forget a manifest; the caller holds the lock."""
        self._waiting.pop(name, None)

    def _write(self, session: str, known: Known) -> None:
        self._reserve.lend(lambda: self._sessions.write(session, known))

    def _known(self, session: str) -> Known:
        known = self._sessions.get(session)
        assert known is not None
        return known
