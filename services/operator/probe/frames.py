"""Judges the frames of the sockets: whole texts of bounded length, and pings between them."""

from collections import Counter
from typing import Final

from services.operator.probe.record import ProbeRecord
from services.operator.probe.table import AssumptionTable

BYTES_MAX: Final = 16 * 1024 * 1024
PING_TOLERANCE_S: Final = 2.0


class FrameJudge:
    """Judges every record of a socket."""

    def __init__(self, table: AssumptionTable, *, pings: str, ping_s: float) -> None:
        """Count pings in the row `pings`, the rest in the rows F1, F2 and F3."""
        self._table = table
        self._pings = pings
        self._ping_s = ping_s
        self._last: dict[str, int] = {}
        self._between: list[float] = []
        self._longest = self._bytes = self._count = 0
        self._per_second: Counter[int] = Counter()

    def see(self, record: ProbeRecord) -> None:
        """Judge one record."""
        if record.kind == "ping":
            self._ping(record)
        elif record.kind == "fragmented":
            self._table.differ("F2", f"on {record.door}")
        elif record.kind == "binary":
            self._table.differ("F1", record.text)
        elif record.kind == "text":
            length = len(record.text)
            self._longest = max(self._longest, length)
            self._bytes += length
            self._count += 1
            self._per_second[record.ts // 1_000_000_000] += 1
            self._table.agree("F1")
            self._table.agree("F2")
            self._table.judge("F3", f"{length} bytes", holds=length <= BYTES_MAX)
        elif record.kind in ("closed", "lost"):
            self._last.pop(record.door, None)

    def finish(self) -> None:
        """Note the measurements."""
        if self._count:
            self._table.note("F3", f"the longest {self._longest:,} bytes")
            seconds = max(1, max(self._per_second) - min(self._per_second))
            peak = max(self._per_second.values())
            rate = f"{self._count / seconds:,.0f} a second, at most {peak:,}"
            self._table.note("F1", f"{rate}, {self._bytes // self._count:,} bytes each")
        if self._between:
            shortest, longest = min(self._between), max(self._between)
            self._table.note(self._pings, f"{shortest:.1f} to {longest:.1f} s apart")

    def _ping(self, record: ProbeRecord) -> None:
        before = self._last.get(record.door)
        self._last[record.door] = record.ts
        if before is not None:
            between_s = (record.ts - before) / 1e9
            self._between.append(between_s)
            is_due = abs(between_s - self._ping_s) <= PING_TOLERANCE_S
            self._table.judge(self._pings, f"{between_s:.1f} s on {record.door}", holds=is_due)
