"""Decides the admission of sessions: admits a session, or holds it back for a reason."""

from collections.abc import Callable
from typing import Final

from services.buffer_writer.committed import Committed
from shared.delivery.frame import Frame
from shared.process import log

SESSIONS_MAX: Final = 1000
FORGET_INTERVAL_S: Final = 10.0
_log = log.get(__name__)


class Admission:
    """Keeps the sessions that began, that wait to begin, and that it holds back.

    `expected` has the next event number of each session that began.
    """

    def __init__(
        self,
        committed: Committed,
        *,
        find_next: Callable[[str], int | None],
        steady_s: Callable[[], float],
    ) -> None:
        """Go on from the committed events; `find_next` asks the store's ledger for a session."""
        self.expected = {name: known.next for name, known in committed.sessions().items()}
        self._committed = committed
        self._find_next = find_next
        self._steady_s = steady_s
        self._held: dict[str, str] = {}  # refused until the next start; the reason
        self._waiting: dict[str, tuple[int, str]] = {}  # not begun yet; base and reason
        self._forget_s = steady_s()

    @property
    def held(self) -> dict[str, str]:
        """Return each session that it holds back, and the reason."""
        return self._held | {session: reason for session, (_, reason) in self._waiting.items()}

    def admits(self, frame: Frame) -> bool:
        """Return whether the writer takes this frame's session; begin it if it can begin."""
        session = frame.session
        if session in self._held:
            return False
        return session in self.expected or self._begin(session, frame.base)

    def hold_session(self, session: str, reason: str) -> None:
        """Hold a session back until the next start."""
        if session not in self._held and len(self._held) < SESSIONS_MAX:
            _log.error("a session is held back", extra={"session": session, "reason": reason})
            self._held[session] = reason

    def tend(self) -> None:
        """Begin waiting sessions; forget those that the store has whole."""
        for session, (base, _) in list(self._waiting.items()):
            self._begin(session, base)
        now_s = self._steady_s()
        if now_s - self._forget_s >= FORGET_INTERVAL_S:
            self._forget_s = now_s
            for session in self._committed.forget_done():
                _log.info("a session is stored whole", extra={"session": session})
                self.expected.pop(session, None)  # it may be unknown here but for a flush set aside
                self._held.pop(session, None)

    def _begin(self, session: str, base: int) -> bool:
        """Return whether an unknown session can begin now."""
        self._waiting.pop(session, None)
        if not self._committed.has_journal(session):
            # A late frame: the ingest has removed the journal, so all of the session is committed.
            return False
        reason = self._try_to_begin(session, base)
        if reason is None:
            return True
        if len(self._waiting) < SESSIONS_MAX:
            self._waiting[session] = base, reason
        return False

    def _try_to_begin(self, session: str, base: int) -> str | None:
        """Begin a session; return the reason if it must wait, else None."""
        if len(self.expected) >= SESSIONS_MAX:
            return f"the writer has {SESSIONS_MAX} sessions already"
        number: int | None = 0
        if base or not self._committed.is_new(session):
            number = self._find_next(session)
        if number is None:
            return "its file is lost, and the store has not answered yet how much it has"
        try:
            self._committed.begin(session, number)
        except OSError as error:
            return f"cannot write its file: {error.strerror}"
        self.expected[session] = number
        _log.info("a session begins", extra={"session": session, "next": number})
        return None
