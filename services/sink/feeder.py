"""The feeder feeds one store with every flush that the ledger lists, in order, for ever."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from random import Random
from threading import Event
from typing import Final, Protocol

from booktape.errors import StoreError, TapeError
from booktape.keys import Key
from services.sink.lines import count_met, find_newest_ts
from services.sink.protocol import Sink, SinkBatch, SinkFailed, SinkProgress, SinkRefused
from services.sink.tape_rows import SegmentGone
from shared.process import log
from shared.process.retry import Backoff

RETRY_BASE_S: Final = 1.0
RETRY_CAP_S: Final = 60.0
_log = log.get(__name__)


class RowReader(Protocol):
    """Reads the tape."""

    def read(self, key: Key, first: int) -> Iterator[SinkBatch]:
        """Yield the rows of one flush from an event number on."""
        ...

    def read_day(self, keys: Sequence[Key], first: dict[str, int]) -> Iterator[SinkBatch]:
        """Yield the rows of flushes of one date, of each session from an event number on."""
        ...


class Feeder:
    """Feeds each flush whole, then moves the cursor: a row may come twice, but is never missed.

    `error` says why feeding fails, None while it works; `is_refused` means that the store refuses
    the rows. A session with refused or damaged rows waits; the others go on.
    """

    def __init__(
        self,
        find_due: Callable[[], list[Key]],
        rows: RowReader,
        sink: Sink,
        progress: SinkProgress,
        *,
        poll_interval_s: float,
        random: Random,
        steady_s: Callable[[], float],
        clock_ns: Callable[[], int],
    ) -> None:
        """Find due flushes with `looks`, read them with `reader`."""
        self.error: str | None = None
        self.is_refused = False
        self.rows = self.flushes = self.failures = self.rows_met = 0
        self.last_row_ts: int | None = None
        self.last_fed_ts: int | None = None
        self.due: list[Key] = []
        self._find_due = find_due
        self._rows = rows
        self._sink = sink
        self._progress = progress
        self._poll_interval_s = poll_interval_s
        self._backoff = Backoff(base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, random=random)
        self._steady_s = steady_s
        self._clock_ns = clock_ns
        self._look_due_s = steady_s()
        self._waiting: set[str] = set()  # sessions whose rows were refused or damaged, this round
        self._stop = Event()

    def run(self, stop: Event) -> None:
        """Feed until told to stop."""
        self._stop = stop
        while not stop.is_set():
            stop.wait(self.step())

    def step(self) -> float:
        """Feed the due flushes, return how long to wait; after a failure try again."""
        self._waiting.clear()
        try:
            self._look()
            for _, keys in groupby(self.due[:], key=lambda key: (key.date, key.exchange)):
                self._feed_date(list(keys))
        except (SinkFailed, TapeError, OSError) as error:
            self._note(error)
            at_least_s = error.retry_after_s if isinstance(error, SinkFailed) else 0.0
            return self._backoff.next_s(at_least_s=at_least_s)
        if self._waiting:
            return self._backoff.next_s()
        self._clear()
        return self._poll_interval_s

    def _look(self) -> None:
        """Look into the ledger, unless flushes found earlier still wait."""
        if self._steady_s() >= self._look_due_s:
            self.due = self._find_due()
            self._look_due_s = self._steady_s() + self._poll_interval_s

    def _feed_date(self, keys: list[Key]) -> None:
        """Feed one date's flushes; if a flush is gone, feed the rest of the date at once."""
        for place, key in enumerate(keys):
            if self._stop.is_set():
                return
            if key.session in self._waiting:
                continue
            try:
                self._feed([key], self._rows.read(key, self._progress.next(key.session)))
            except SegmentGone:
                self._feed_day([k for k in keys[place:] if k.session not in self._waiting])
                return
            except StoreError:
                raise
            except (SinkRefused, TapeError) as error:
                self._waiting.add(key.session)
                self._note(error)

    def _feed_day(self, keys: list[Key]) -> None:
        first = {key.session: self._progress.next(key.session) for key in keys}
        try:
            self._feed(keys, self._rows.read_day(keys, first))
        except StoreError:
            raise
        except (SinkRefused, TapeError) as error:
            self._waiting |= set(first)
            self._note(error)

    def _feed(self, keys: Sequence[Key], batches: Iterable[SinkBatch]) -> None:
        """Send all batches, then move the cursor."""
        sent, newest = 0, self.last_row_ts or 0
        for batch in batches:
            if not batch.rows.num_rows:
                continue
            self._count_met(batch)
            self._sink.send(batch)
            sent += batch.rows.num_rows
            newest = max(newest, find_newest_ts(batch.rows))
        for key in keys:
            self._progress.move(key.session, key.last + 1)
            self.due.remove(key)
        self.rows += sent
        self.flushes += len(keys)
        self.last_row_ts, self.last_fed_ts = newest or None, self._clock_ns()
        self._backoff.reset()
        if not self._waiting:
            self._clear()

    def _count_met(self, batch: SinkBatch) -> None:
        met = count_met(batch.rows)
        if met:
            self.rows_met += met
            _log.error(
                "rows of one time replace each other in the store",
                extra={"table": batch.table, "rows": met},
            )

    def _note(self, error: Exception) -> None:
        """Remember why feeding fails; log it once."""
        self.failures += 1
        reason = str(error)
        if reason != self.error:
            is_ours = isinstance(error, SinkRefused | TapeError)
            (_log.error if is_ours else _log.warning)(
                "cannot feed the store", extra={"reason": reason}
            )
        self.error, self.is_refused = reason, isinstance(error, SinkRefused)

    def _clear(self) -> None:
        if self.error is not None:
            _log.info("the store takes rows again")
        self.error, self.is_refused = None, False
