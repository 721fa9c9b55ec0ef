"""The uploader moves flushes from the spool to the store, on a thread of its own, for ever."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Event
from typing import Final

from booktape.errors import AlreadyStored, StoreError, TapeError
from booktape.keys import exchange_of
from booktape.store.protocol import Store
from services.buffer_writer.ledger import StoredRanges
from services.buffer_writer.manifest import range_of, session_of
from services.buffer_writer.spool import Spool, Stored
from shared.process import log
from shared.process.retry import Backoff

IDLE_S: Final = 1.0  # between two looks at an empty spool
REASONS_MAX: Final = 32  # logged for one session; `error` shows every one
RETRY_BASE_S: Final = 1.0
RETRY_CAP_S: Final = 60.0
_log = log.get(__name__)


class Uploader:
    """Stores the spool's flushes, and asks the store's ledger on the writer's behalf.

    It stores the manifest of each flush last, and the flushes of a session in order: a reader that
    finds a manifest finds all before it. A session that fails delays no other. `error` is the
    reason why uploads fail now; None while they work.
    """

    def __init__(
        self, spool: Spool, store: Store, *, random: Random, clock_ns: Callable[[], int]
    ) -> None:
        self.error: str | None = None
        self.last_upload_ts: int | None = None
        self.uploads = self.upload_bytes = self.upload_failures = 0  # since the start
        self._spool = spool
        self._store = store
        self._clock_ns = clock_ns
        self._backoff = Backoff(base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, random=random)
        self._ledger = StoredRanges(store)
        # The logged reasons why each session fails ("": why the ledger does not answer).
        self._reasons: dict[str, set[str]] = {}
        self._failed: set[str] = set()  # sessions that failed in this round: the others come first
        self._asked: dict[str, int | None] = {}

    def run(self, stop: Event) -> None:
        """Upload until told to stop, then go on until a failure or the end."""
        while not stop.is_set():
            stop.wait(self.step())
        while not self.step():
            pass

    def step(self) -> float:
        """Do the next step; return how long to wait before the one after it."""
        session = ""
        if not self._spool.committed.names():
            self._failed.clear()
        try:
            if "" in self._failed or not self._answer_writer():
                name = self._choose()
                if name is None:
                    return IDLE_S
                session = session_of(name)
                self._upload(session, name)
        except (StoreError, OSError) as error:
            self._failed.add(session)
            self._note(session, error)
            return self._backoff.next_s()
        self._clear(session)
        self._backoff.reset()
        return 0.0

    def find_next(self, session: str) -> int | None:
        """Return the event number after a session's stored events.

        Return None until the uploader's own thread has asked the store.
        """
        number = self._asked.setdefault(session, None)
        if number is not None:
            del self._asked[session]
        return number

    def _answer_writer(self) -> bool:
        for session in [session for session, number in self._asked.items() if number is None]:
            self._asked[session] = self._ask(session)
            return True
        return False

    def _ask(self, session: str) -> int:
        _log.info("asking the ledger", extra={"session": session})
        return max(self._ledger.find_next(session), self._spool.committed.reach(session))

    def _choose(self) -> str | None:
        """Return the oldest flush of a session that has not failed in this round."""
        names = self._spool.committed.names()
        fresh = [name for name in names if session_of(name) not in self._failed]
        if not fresh:
            self._failed.clear()
        return next(iter(fresh or names), None)

    def _upload(self, session: str, name: str) -> None:
        if not self._ledger.is_compared(session):
            self._compare(exchange_of(session))
        overlap = self._ledger.find_overlap(session, *range_of(name))
        if overlap is None:
            self._put_all(name)
            return
        first, last = overlap
        reason = (
            f"the store has {first} to {last} already in other flushes; was the state restored?"
        )
        self._spool.set_aside(name, reason)

    def _compare(self, exchange: str) -> None:
        """Ask the ledger once for each session of the exchange that has a flush here."""
        firsts: dict[str, int] = {}
        for name in reversed(self._spool.committed.names()):  # the oldest of a session comes first
            firsts[session_of(name)] = range_of(name)[0]
        sessions = {
            session: first
            for session, first in firsts.items()
            if exchange_of(session) == exchange and not self._ledger.is_compared(session)
        }
        _log.info("comparing with the ledger", extra={"sessions": len(sessions)})
        self._ledger.compare(sessions)

    def _put_all(self, name: str) -> None:
        try:
            files = self._spool.files(self._spool.read(name))
            for file in files:
                self._put(file)
        except StoreError:  # a TapeError too, but not the flush's fault
            raise
        except (TapeError, FileNotFoundError) as error:
            self._spool.set_aside(name, str(error))
            return
        self._spool.discard(name)
        self.last_upload_ts = self._clock_ns()

    def _put(self, file: Stored) -> None:
        """Store one file; raise TapeError if it is damaged, or the store has another of its key."""
        if _sha256(file.path) != file.sha256:
            raise TapeError(f"{file.path.name} was damaged on this disk")
        size = file.path.stat().st_size
        try:
            self._store.put(file.path, file.key)
        except AlreadyStored:
            if not self._is_stored(file):
                raise TapeError(f"the store has another {file.key}") from None
        self.uploads += 1
        self.upload_bytes += size

    def _is_stored(self, file: Stored) -> bool:
        """Return whether the store has this very file: the answer to a put may be lost."""
        info = self._store.head(file.key)
        if info is None:
            reason = "the store had it just now, and does not have it any more"
            raise StoreError("compare", where=file.key, reason=reason, remedy="putting it again")
        if info.bytes != file.path.stat().st_size:
            return False
        stored = info.sha256 or hashlib.sha256(self._store.get(file.key)).hexdigest()
        return stored == file.sha256

    def _note(self, session: str, error: StoreError | OSError) -> None:
        """Keep the error for `status`; log it once."""
        self.upload_failures += 1
        self.error = str(error)
        reason = error.reason if isinstance(error, StoreError) else str(error)
        told = self._reasons.setdefault(session, set())
        if len(told) >= REASONS_MAX:
            return
        if not any(reason in known for known in self._reasons.values()):
            _log.error("cannot upload; trying again", extra={"reason": self.error})
        told.add(reason)

    def _clear(self, session: str) -> None:
        """Note that a session's uploads work again."""
        if self._reasons.pop(session, None) is not None and not self._reasons:
            self.error = None
            _log.info("the store works again")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()
