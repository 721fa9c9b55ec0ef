"""From the spool to the store, on a thread of its own, for ever."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Event
from typing import Final

from booktape.errors import AlreadyStored, StoreError, TapeError
from booktape.keys import LEDGER, exchange_of, parse_key
from booktape.store.protocol import Store
from services.buffer_writer.spool import Spool, Stored
from shared.process import log
from shared.process.retry import Backoff

IDLE_S: Final = 1.0  # between two looks at an empty spool
RETRY_BASE_S: Final = 1.0
RETRY_CAP_S: Final = 60.0
_log = log.get(__name__)


class Uploader:
    """Store what the spool has, the manifest of each flush last, and answer for the ledger.

    `error` is what stands in the way now, None while nothing does.
    """

    def __init__(
        self, spool: Spool, store: Store, *, random: Random, clock_ns: Callable[[], int]
    ) -> None:
        self.error: str | None = None
        self.last_upload_ts: int | None = None
        self._spool = spool
        self._store = store
        self._clock_ns = clock_ns
        self._backoff = Backoff(base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, random=random)
        self._reason: str | None = None
        self._failed: set[str] = set()  # in this round: the others come first
        self._asked: dict[str, int | None] = {}

    def run(self, stop: Event) -> None:
        """Upload until told to stop, and then whatever goes without a failure."""
        while not stop.is_set():
            stop.wait(self.step())
        while not self.step():
            pass

    def step(self) -> float:
        """Do the next thing there is to do; return how long to wait before the one after it."""
        try:
            has_worked = self._answer_writer() or self._upload()
        except (StoreError, OSError) as error:
            self._note(error)
            return self._backoff.next_s()
        if not has_worked:
            return IDLE_S
        if self.error:
            _log.info("the store works again")
        self.error = self._reason = None
        self._backoff.reset()
        return 0.0

    def find_next(self, session: str) -> int | None:
        """Return the event number that follows what is stored of a session.

        None until the store could be asked, which it is on the uploader's own thread.
        """
        number = self._asked.setdefault(session, None)
        if number is not None:
            del self._asked[session]
        return number

    def _answer_writer(self) -> bool:
        for session in [session for session, number in self._asked.items() if number is None]:
            self._asked[session] = max(self._ask(session), self._spool.committed.reach(session))
            return True
        return False

    def _ask(self, session: str) -> int:
        _log.info("asking the ledger", extra={"session": session})
        number = 0
        for info in self._store.list(f"{LEDGER}exchange={exchange_of(session)}/"):
            try:
                key = parse_key(info.key)
            except TapeError:  # somebody else's object
                continue
            if key.session == session:
                number = max(number, key.last + 1)
        return number

    def _upload(self) -> bool:
        names = self._spool.committed.names()
        if not names:
            return False
        fresh = [name for name in names if name not in self._failed]
        if not fresh:
            self._failed.clear()
        name = (fresh or names)[0]
        try:
            self._put_all(name)
        except (StoreError, OSError):
            self._failed.add(name)
            raise
        return True

    def _put_all(self, name: str) -> None:
        try:
            files = self._spool.files(self._spool.read(name))
            for file in files:
                self._put(file)
        except (TapeError, FileNotFoundError) as error:
            self._spool.set_aside(name, str(error))
            return
        self._spool.discard(name)
        self.last_upload_ts = self._clock_ns()

    def _put(self, file: Stored) -> None:
        """Store one file; raise TapeError where it cannot be what the tape should have."""
        if _sha256(file.path) != file.sha256:
            raise TapeError(f"{file.path.name} was damaged on this disk")
        try:
            self._store.put(file.path, file.key)
        except AlreadyStored:
            if not self._is_stored(file):
                raise TapeError(f"the store has another {file.key}") from None

    def _is_stored(self, file: Stored) -> bool:
        """Say whether the store has this very file: a put may succeed and its answer be lost."""
        info = self._store.head(file.key)
        if info is None:
            reason = "it was there just now and is not"
            raise StoreError("compare", where=file.key, reason=reason, remedy="it is put again")
        if info.bytes != file.path.stat().st_size:
            return False
        stored = info.sha256 or hashlib.sha256(self._store.get(file.key)).hexdigest()
        return stored == file.sha256

    def _note(self, error: StoreError | OSError) -> None:
        """Keep the error for `status`; a line of log only where it is another one."""
        self.error = str(error)
        reason = error.reason if isinstance(error, StoreError) else str(error)
        if reason != self._reason:
            self._reason = reason
            _log.error("cannot upload; it is tried again", extra={"reason": self.error})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()
