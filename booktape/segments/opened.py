"""The segments of a tape that were opened: each once, whoever asks for it."""

from collections import OrderedDict
from typing import Final, TypeAlias

from booktape.flush import Flush
from booktape.manifest import TableEntry
from booktape.segments.daily import DailySegment, Decoded, FlushRows
from booktape.segments.segment import Segment
from booktape.store.protocol import Store

SEGMENTS_REMEMBERED_MAX: Final = 4096  # their footers alone

OpenSegment: TypeAlias = Segment | FlushRows


class Segments:
    """Opens segments, each once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[str, Segment] = OrderedDict()
        self._daily: OrderedDict[str, DailySegment] = OrderedDict()
        self._decoded = Decoded()

    def open(self, flush: Flush, table: str) -> OpenSegment:
        """Return a table's segment; `DamagedSegment` where it is not what was written."""
        entry = flush.source(table)
        if flush.certificate is not None:
            return FlushRows(self._open_daily(entry, table), flush, table)
        segment = self._known.get(entry.key)
        if segment is None:
            segment = Segment(self._store, entry, table)
            self._known[entry.key] = segment
            if len(self._known) > SEGMENTS_REMEMBERED_MAX:
                self._known.popitem(last=False)
        return segment

    def _open_daily(self, entry: TableEntry, table: str) -> DailySegment:
        daily = self._daily.get(entry.key)
        if daily is None:
            daily = DailySegment(Segment(self._store, entry, table), self._decoded)
            self._daily[entry.key] = daily
            if len(self._daily) > SEGMENTS_REMEMBERED_MAX:
                self._daily.popitem(last=False)
        return daily
