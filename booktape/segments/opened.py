"""Keeps the opened segments of a tape, so that each is opened once for all callers."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from booktape.flush import Flush
from booktape.manifest import TableEntry
from booktape.segments.daily import DailySegment, Decoded, FlushRows
from booktape.segments.ranges import take_turns
from booktape.segments.segment import Segment
from booktape.store.protocol import Store

SEGMENTS_REMEMBERED_MAX: Final = 4096  # their footers
WHOLE_BYTES_KEPT_MAX: Final = 32 * 1024 * 1024  # of segments that came in one request

OpenSegment: TypeAlias = Segment | FlushRows


class Segments:
    """Opens segments, each once; keeps the bytes of the latest small ones."""

    def __init__(self, store: Store, gather: Callable[..., list[Any]] = take_turns) -> None:
        """Begin empty; `gather` does one work for many items, several at once if that is faster."""
        self._store = store
        self._gather = gather
        self._known: OrderedDict[str, Segment] = OrderedDict()
        self._whole: OrderedDict[str, int] = OrderedDict()  # key -> kept bytes
        self._whole_bytes = 0
        self._daily: OrderedDict[str, DailySegment] = OrderedDict()
        self._decoded = Decoded()

    def open(self, flush: Flush, table: str) -> OpenSegment:
        """Return a table's segment; raise `DamagedSegment` if its bytes have changed."""
        entry = flush.source(table)
        if flush.certificate is not None:
            return FlushRows(self._open_daily(entry, table), flush, table)
        segment = self._known.get(entry.key)
        if segment is None:
            segment = Segment(self._store, entry, table, self._gather)
            self._keep(segment)
        return segment

    def open_ahead(
        self, flushes: Sequence[Flush], tables: Sequence[str], hold: tuple[str, Sequence[str]]
    ) -> None:
        """Open segments before their use; of books also fetch the columns of a symbol (`hold`)."""
        wanted = [
            (flush.source(table), table)
            for flush in flushes
            for table in tables
            if table in flush.tables and flush.certificate is None
        ]

        def open_one(place: tuple[TableEntry, str]) -> Segment:
            entry, table = place
            segment = self._known.get(entry.key) or Segment(self._store, entry, table)
            if table == "book" and hold[1]:
                segment.hold(*hold)
            return segment

        for segment in self._gather(open_one, wanted):
            self._keep(segment)

    def _keep(self, segment: Segment) -> None:
        self._known[segment.key] = segment
        if len(self._known) > SEGMENTS_REMEMBERED_MAX:
            self._known.popitem(last=False)
        self._whole_bytes += segment.kept_bytes - self._whole.pop(segment.key, 0)
        self._whole[segment.key] = segment.kept_bytes
        while self._whole_bytes > WHOLE_BYTES_KEPT_MAX:
            key, size = self._whole.popitem(last=False)
            self._whole_bytes -= size
            if key in self._known:
                self._known[key].forget_bytes()

    def _open_daily(self, entry: TableEntry, table: str) -> DailySegment:
        daily = self._daily.get(entry.key)
        if daily is None:
            daily = DailySegment(Segment(self._store, entry, table, self._gather), self._decoded)
            self._daily[entry.key] = daily
            if len(self._daily) > SEGMENTS_REMEMBERED_MAX:
                self._daily.popitem(last=False)
        return daily
