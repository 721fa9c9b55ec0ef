"""Adopts leftovers, a few at a time: journals that dead ingests of an exchange left behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from booktape.errors import BooktapeError
from shared.delivery.abandoned import leftovers
from shared.delivery.journal import Journal
from shared.delivery.sender import Sender
from shared.ingest.recorder import end_session
from shared.process import log

# Each journal takes descriptors here and memory in the writer; the others wait on the disk.
ADOPTED_MAX: Final = 8
# Journals that the writer holds back do not count above, only here.
ADOPTED_IN_ALL_MAX: Final = 64
_log = log.get(__name__)


class Leftovers:
    """Adopts the journals of one exchange that no process owns, oldest first."""

    def __init__(self, folder: Path, sender: Sender, *, clock_ns: Callable[[], int]) -> None:
        """Prepare to look into the exchange's folder; `sender` delivers the adopted journals."""
        self._folder = folder
        self._sender = sender
        self._clock_ns = clock_ns
        self._failed: set[Path] = set()  # in this round over the folder

    def adopt(self) -> bool:
        """Adopt one more journal; return False if none is left, or enough are under way."""
        if self._sender.count_adopted(moving=True) >= ADOPTED_MAX:
            return False
        if self._sender.count_adopted(moving=False) >= ADOPTED_IN_ALL_MAX:
            return False
        for path in leftovers(self._folder):
            if path not in self._failed and self._try_to_adopt(path):
                return True
        self._failed.clear()  # the next round tries each of them again
        return False

    def _try_to_adopt(self, path: Path) -> bool:
        journal = None
        try:
            journal = Journal.adopt(path)
            if journal and not journal.ended and not journal.is_cut_short:
                self._end(journal)
        except BooktapeError as error:
            _log.error("cannot adopt a journal", extra={"path": str(path), "reason": str(error)})
            if journal:
                journal.close()
            self._failed.add(path)
            return False
        if journal is None:
            return False
        _log.info("adopted", extra={"session": journal.session, "bytes": journal.bytes})
        self._sender.add(journal, end=None if journal.ended else self._end)
        return True

    def _end(self, journal: Journal) -> None:
        end_session(journal, self._clock_ns(), reason="killed")
