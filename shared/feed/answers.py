"""Gives each answer, a snapshot, to the part of the feed that asked for it."""

from collections.abc import Callable

from shared.event import Snapshot
from shared.exchange import BOOK
from shared.feed.auditing import Auditing
from shared.feed.parts import Parts
from shared.feed.questions import Questions
from shared.feed.watchdog import Watchdog


class Answers:
    """Begins books at the snapshots of one connection; the recorder's thread owns it."""

    def __init__(
        self,
        parts: Parts,
        questions: Questions,
        auditing: Auditing,
        watchdog: Watchdog,
        note_data: Callable[[str, str], str | None],
    ) -> None:
        """Start with nothing; `note_data` notes data and returns our symbol if we record it."""
        self._board = parts.board
        self._books = parts.books
        self._counts = parts.counts
        self._questions = questions
        self._auditing = auditing
        self._watchdog = watchdog
        self._note_data = note_data

    def take_all(self, now_s: float) -> None:
        """Begin the books requested over REST, each at its receive time."""
        while self._board.books:
            ts, snapshot = self._board.books.popleft()
            self.take(ts, snapshot, now_s)

    def take(self, ts: int, snapshot: Snapshot, now_s: float) -> None:
        """Begin a book at the snapshot, or compare it, or count it as not asked for."""
        raw_symbol = snapshot.raw_symbol
        if not self._questions.is_snapshot_asked(raw_symbol):
            if self._auditing.is_asked(raw_symbol):
                self._auditing.answer_audit(ts, snapshot, now_s)
            else:
                self._counts.snapshots_not_asked_for += 1
        elif self._questions.is_book_first:
            if self._note_data(BOOK, raw_symbol):
                self._questions.settle_book(raw_symbol)
                self._books.replace(ts, snapshot)
                self._watchdog.expect(now_s)
        elif self._books.splice(ts, snapshot):
            self._questions.settle_book(raw_symbol)
            self._watchdog.expect(now_s)
        else:
            self._counts.snapshots_late += 1
            self._questions.ask_again(raw_symbol, now_s)
