"""Keeps the writer's record of each of its sessions, on disk.

A small file for each session says which event number comes next. It is only a lower bound: the
manifests in the spool may reach further. The writer makes it at a session's first frame. So a
session without a file is new, or its file was lost; a mark in its journal tells which.
"""

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from booktape.errors import UNDECODABLE, TapeError
from booktape.keys import exchange_of
from booktape.store.files import make_folder
from shared.process import log
from shared.process.files import write_atomic

MARK: Final = "taken"
_SUFFIX: Final = ".json"
_log = log.get(__name__)


class Known(Struct, frozen=True, omit_defaults=True):
    """The record of one session.

    `next`: every event below this number is committed. `end`: the number after its `session_end`,
    once that was received: its commit may be under way, or have failed. `ended`: `next` is past
    `end`. `hole`: the number of a `journal_hole` event and the one after it, which no manifest
    tells; it counts with the commit that reaches it. `is_found`: `next` comes from the store's
    ledger, and only the ingest knows whether an end is below it. A file of an earlier release that
    says `ended` without `end` means the same.
    """

    next: Annotated[int, Meta(ge=0)]
    ended: bool
    hole: tuple[int, int] | None = None
    is_found: bool = False
    end: Annotated[int, Meta(ge=0)] | None = None

    @property
    def may_have_ended(self) -> bool:
        """Return whether the committed events may be the last."""
        return self.ended or self.is_found

    @property
    def last_hole(self) -> int:
        """Return the number that follows the last hole that is committed; 0 without any."""
        return self.hole[1] if self.hole and self.hole[1] <= self.next else 0

    def reach(self, number: int) -> "Known":
        """Return the record with every event below the number committed."""
        if number <= self.next:
            return self
        if self.hole and number == self.hole[0] + 1:
            number = self.hole[1]
        # An earlier release's file names no end: its `ended` stays.
        ended = self.ended if self.end is None else number >= self.end
        return replace(self, next=number, ended=ended, is_found=False)

    def announce(self, first: int, last: int, resumes_at: int, *, is_end: bool) -> "Known":
        """Return the record that must be on disk before this run is committed.

        An announcement for a commit that failed does not count for this one.
        """
        assert first == self.next
        hole = self.hole if self.hole and self.hole[0] < first else None
        if resumes_at != last + 1:
            hole = last, resumes_at
        return replace(self, hole=hole, ended=False, end=resumes_at if is_end else None)


class SessionFiles:
    """Reads and writes the records of all sessions; one thread at a time."""

    def __init__(self, folder: Path, journals: Path) -> None:
        """Keep the files in `folder`; `journals` has a folder for each exchange."""
        self._folder = folder
        self._journals = journals
        self._known: dict[str, Known] = {}

    def load(self) -> None:
        """Read every file; a damaged one counts as lost."""
        make_folder(self._folder)
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            session = path.name.removesuffix(_SUFFIX)
            try:
                exchange_of(session)
                self._known[session] = _decoder.decode(path.read_bytes())
            except (TapeError, *UNDECODABLE) as error:
                _log.error(
                    "a session's file is damaged; the store is asked instead",
                    extra={"path": str(path), "reason": str(error)},
                )

    def get(self, session: str) -> Known | None:
        """Return the record of a session."""
        return self._known.get(session)

    def names(self) -> list[str]:
        """Return every known session."""
        return list(self._known)

    def set(self, session: str, known: Known) -> None:
        """Keep the record in memory."""
        self._known[session] = known

    def write(self, session: str, known: Known) -> None:
        """Keep the record on disk."""
        write_atomic(self._path(session), msgspec.json.encode(known))
        self._known[session] = known

    def forget(self, session: str) -> None:
        """Forget the session."""
        self._path(session).unlink(missing_ok=True)
        del self._known[session]

    def mark(self, session: str) -> None:
        """Leave a mark in its journal folder, which lives as long as the journal."""
        write_atomic(self._journal(session) / MARK, b"")

    def is_marked(self, session: str) -> bool:
        """Return whether its journal has the mark."""
        return (self._journal(session) / MARK).exists()

    def has_journal(self, session: str) -> bool:
        """Return whether it still has a journal."""
        return self._journal(session).is_dir()

    def _path(self, session: str) -> Path:
        return self._folder / f"{session}{_SUFFIX}"

    def _journal(self, session: str) -> Path:
        return self._journals / exchange_of(session) / session


_decoder = msgspec.json.Decoder(Known)
