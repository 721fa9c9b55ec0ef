"""Keeps the writer's record of each of its sessions, on disk.

A small file for each session has the number of the next event. It is only a lower bound: the
manifests in the spool may reach further. The writer makes it at a session's first frame. So a
session without a file is new, unless a mark in its journal shows that the file was lost.
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

    `next`: every event below this number is committed. `end`: the number after the `session_end`,
    once the writer received it; its commit may be under way, or have failed. `ended`: `next` has
    reached `end`. `hole`: the number of a `journal_hole` event and the number at which the events
    resume, which no manifest has; it counts from the commit that reaches it. `is_found`: `next`
    comes from the store's ledger, and only the ingest knows whether an end is below it. In a file
    of an earlier release, `ended` without `end` means the same as with it.
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
        """Return the number after the last committed hole; 0 without a hole."""
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
        """Return the record that must be on disk before the commit of this run.

        It drops what an earlier call announced for a commit that failed.
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
                    "a session's file is damaged; asking the store instead",
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
        """Leave a mark in the session's journal folder, where it lives as long as the journal."""
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
