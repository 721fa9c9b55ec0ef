"""Reads rows of the tape for a sink: a flush at a time, or a whole day if flushes are gone."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from booktape.answers.raw import read_raw
from booktape.errors import StoreError, TapeError
from booktape.flush import Flush, decode_flush
from booktape.keys import Key, date_of, day_of, line_of
from booktape.segments.segment import Segment
from booktape.store.protocol import Store
from booktape.tape import Tape
from booktape.times import TS_MAX, TS_MIN
from services.sink.lines import COLUMNS, COMMON
from services.sink.protocol import SinkBatch

MEMORY_BYTES: Final = 64 << 20  # rows read at a time


class SegmentGone(TapeError):
    """Make the feeder read whole days: a lifecycle removed a segment that a manifest names."""


class SinkRows:
    """Reads rows of some tables of one tape."""

    def __init__(
        self, store: Store, tables: Sequence[str], *, open_tape: Callable[[], Tape]
    ) -> None:
        """Read `tables` from a store; `open_tape` opens the same store as readers do."""
        self._store = store
        self._tables = tables
        self._open_tape = open_tape

    def read(self, key: Key, first: int) -> Iterator[SinkBatch]:
        """Yield the rows of one flush from an event number on; raise SegmentGone, or TapeError."""
        flush = decode_flush(key, self._store.get(key.text))
        for table in self._tables:
            if table in flush.tables:
                for rows in self._read_segment(flush, table):
                    yield _make_batch(key, table, _keep(rows, max(first, key.first), key.last))

    def read_day(self, keys: Sequence[Key], first: dict[str, int]) -> Iterator[SinkBatch]:
        """Yield the rows of flushes of one date, of each session from an event number on.

        Read them as any reader reads the day, so as to find certified rows. Rows that the store no
        longer keeps are missing.
        """
        date = keys[0].date
        tape = self._open_tape()
        following = date_of(day_of(date) + 1)
        runs = _join(keys, first)
        for table in self._tables:
            columns = (*COMMON, *COLUMNS[table], "session")
            scan = tape.scan(table, keys[0].exchange, date, following).select(*columns)
            for batch in scan.batches():
                rows = pa.Table.from_batches([batch])
                for run in runs:
                    mine = rows.filter(pc.equal(rows["session"].cast(pa.string()), run.session))
                    yield _make_batch(run, table, _keep(mine, run.first, run.last))

    def _read_segment(self, flush: Flush, table: str) -> Iterator[pa.Table]:
        columns = (*COMMON, *COLUMNS[table])
        try:
            segment = Segment(self._store, flush.tables[table], table)
            span = TS_MIN, TS_MAX
            yield from read_raw(segment, flush, columns, span, None, memory_bytes=MEMORY_BYTES)
        except StoreError as error:
            if self._store.head(flush.tables[table].key) is None:
                raise SegmentGone(str(error)) from None
            raise


def _join(keys: Sequence[Key], first: dict[str, int]) -> list[Key]:
    """Return the flushes' ranges of event numbers, joined where they continue."""
    runs: list[Key] = []
    for key in sorted(keys, key=lambda key: (key.session, key.first)):
        last = runs[-1] if runs else None
        if last and last.session == key.session and last.last + 1 == key.first:
            runs[-1] = replace(last, last=key.last)
        else:
            runs.append(replace(key, first=max(key.first, first[key.session])))
    return runs


def _make_batch(key: Key, table: str, rows: pa.Table) -> SinkBatch:
    return SinkBatch(table, key.exchange, line_of(key.session), rows)


def _keep(rows: pa.Table, first: int, last: int) -> pa.Table:
    numbers = rows["event_number"]
    return rows.filter(pc.and_(pc.greater_equal(numbers, first), pc.less_equal(numbers, last)))
