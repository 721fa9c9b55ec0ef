"""What the writer knows of each session, on disk.

A small file for each session says which event number comes next. It is only a lower bound: the
manifests in the spool may reach further. It is there from the moment a session is first heard of,
so a session without one is new, or its file was lost; a mark in its journal tells which.
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
    """What is known of one session.

    `next`: everything below this event number is committed. `end`: the number that follows its
    `session_end`, once that was received: the commit that carries it may be under way, or never
    have come. `ended`: `next` is past that. `hole`: the number of a `journal_hole` event and the
    one that follows it, which no manifest tells; it counts with the commit that reaches it.
    `is_found`: `next` is what the store's ledger said, and only the ingest knows whether an end is
    below it. So it is where a file of an earlier release says `ended` and no `end`.
    """

    next: Annotated[int, Meta(ge=0)]
    ended: bool
    hole: tuple[int, int] | None = None
    is_found: bool = False
    end: Annotated[int, Meta(ge=0)] | None = None

    @property
    def may_have_ended(self) -> bool:
        """Say whether nothing may follow what is committed."""
        return self.ended or self.is_found

    @property
    def last_hole(self) -> int:
        """Return the number that follows the last hole that is committed; 0 without any."""
        return self.hole[1] if self.hole and self.hole[1] <= self.next else 0

    def reach(self, number: int) -> "Known":
        """Return it with everything below the number committed."""
        if number <= self.next:
            return self
        if self.hole and number == self.hole[0] + 1:
            number = self.hole[1]
        # Of an earlier release's file nobody knows the end: what it said of it stays.
        ended = self.ended if self.end is None else number >= self.end
        return replace(self, next=number, ended=ended, is_found=False)

    def announce(self, first: int, last: int, resumes_at: int, *, is_end: bool) -> "Known":
        """Return it as it must be on the disk before this run is committed.

        What was announced for a commit that never came does not count for this one.
        """
        assert first == self.next
        hole = self.hole if self.hole and self.hole[0] < first else None
        if resumes_at != last + 1:
            hole = last, resumes_at
        return replace(self, hole=hole, ended=False, end=resumes_at if is_end else None)


class SessionFiles:
    """Every session that is known; not for two threads at once."""

    def __init__(self, folder: Path, journals: Path) -> None:
        """Keep the files in `folder`; `journals` has a folder for each exchange."""
        self._folder = folder
        self._journals = journals
        self._known: dict[str, Known] = {}

    def load(self) -> None:
        """Read every file; one that is damaged is as good as lost."""
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
        """Return what is known of a session."""
        return self._known.get(session)

    def names(self) -> list[str]:
        """Return every session that is known."""
        return list(self._known)

    def set(self, session: str, known: Known) -> None:
        """Know it until the process ends."""
        self._known[session] = known

    def write(self, session: str, known: Known) -> None:
        """Know it for good."""
        write_atomic(self._path(session), msgspec.json.encode(known))
        self._known[session] = known

    def forget(self, session: str) -> None:
        """Know nothing of it any more."""
        self._path(session).unlink(missing_ok=True)
        del self._known[session]

    def mark(self, session: str) -> None:
        """Leave a mark in its journal, which goes with it."""
        write_atomic(self._journal(session) / MARK, b"")

    def is_marked(self, session: str) -> bool:
        """Say whether its journal has the mark."""
        return (self._journal(session) / MARK).exists()

    def has_journal(self, session: str) -> bool:
        """Say whether its journal is still there."""
        return self._journal(session).is_dir()

    def _path(self, session: str) -> Path:
        return self._folder / f"{session}{_SUFFIX}"

    def _journal(self, session: str) -> Path:
        return self._journals / exchange_of(session) / session


_decoder = msgspec.json.Decoder(Known)
