"""Defines the status reports of processes: each replaces a file of its own once a second.

The keys are a contract. A reader ignores keys that it does not know; a key that a later release
added may be missing, and is `None` then. `VERSION` rises when a key goes or changes its meaning;
of a report of another version, a reader can read only the head.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE
from booktape.release import RELEASE
from shared.process.files import write_atomic

VERSION: Final = 2  # 1: counters, rates and gauges by name, without a version


class ProcessReport(Struct, frozen=True, kw_only=True):
    """The head of every report, whatever its version; times are ns since 1970, UTC."""

    version: int = 1
    process: str
    pid: int
    ts_start: int
    ts_written: int
    release: str | None = None  # of the code that runs


class FeedCounts(Struct, frozen=True, kw_only=True):
    """Counts the messages of an ingest's connections without an event, since its start."""

    chatter: dict[str, int]  # known to mean nothing to us, by kind
    unknown: dict[str, int]  # of a kind that we do not know
    refused: dict[str, int]  # by what was asked for
    malformed: int
    malformed_reasons: dict[str, int] = {}  # each with its channel
    unread: dict[str, int] = {}  # values that are null on the tape, by channel and column
    not_asked_for: int
    snapshots_not_asked_for: int
    snapshots_late: int
    audits: int = 0
    audits_unanswered: int = 0
    last_audit_ts: int | None = None
    tickers_agreed: int = 0
    tickers_judged: int = 0
    tickers_doubted: int = 0


class IngestReport(ProcessReport, frozen=True, kw_only=True):
    """An ingest's report; totals count from its start, which is that of its session."""

    exchange: str
    line: str
    session: str
    state: str  # connecting degraded live disabled disk_full stopping
    since: int  # the beginning of the state
    symbols: int  # the wanted ones
    live: int
    waiting: list[str]  # neither live nor refused nor halted
    refused: list[str]
    halted: list[str] = []  # not live, because their markets do not trade
    sockets: int
    connections: int  # of the sockets, those that are open
    reconnects: int
    unreachable_since: int | None
    last_error: str | None
    rate_limited_until: int | None
    poll_interval_s: float | None
    messages_total: int
    messages_per_s: float | None
    events_total: int
    last_data_ts: int | None
    gaps_today: int  # since midnight, UTC
    kinds: dict[str, int]  # rows of `feed_events`, by kind
    counts: FeedCounts
    audits_missing_since: int | None = None  # since then no audit has succeeded
    malformed_channels: list[str] = []  # those with too many unreadable messages of late
    journals: int  # including those of dead ingests that it delivers
    journal_bytes: int
    journal_waiting_bytes: int | None = None  # the part that the writer has not committed
    sessions_refused: list[str] = []  # the writer has more of them than their journals
    journal_base: int  # of its own session, as are the next three: event numbers
    journal_synced: int
    journal_next: int
    journal_error: str | None
    disk_free_bytes: int
    is_on_loopback: bool = False  # the exchange is a simulated one, and shares our clock
    clock_synchronised: bool | None = None  # by the kernel's word, as are the next two
    clock_offset_s: float | None = None
    clock_error_s_max: float | None = None
    received_bytes: int = 0  # of all messages
    delay_ns: int | None = None  # `ts_recv - ts_event` of the newest event that has both


class WriterReport(ProcessReport, frozen=True, kw_only=True):
    """The writer's report; totals count from its start."""

    state: str  # running disk_full disk_error
    frames: int
    frames_refused: int
    frames_doubled: int
    frames_ahead: int
    rows: int
    rows_per_s: float | None
    rows_buffered: int
    flushes: int
    flush_error: str | None
    last_flush_ts: int | None
    last_flush_rows: int | None
    last_flush_bytes: int | None
    held_sessions: dict[str, str]  # of which nothing is taken, and why
    sessions: dict[str, tuple[int, int]]  # committed and expected of each
    spool_bytes: int
    spool_flushes: int
    oldest_flush_ts: int | None = None  # when the oldest that waits was committed
    flush_interval_s: float | None = None
    conflicts: int
    last_upload_ts: int | None
    upload_error: str | None
    disk_free_bytes: int
    journal_holes: dict[str, int] = {}  # rows of this kind that it wrote, by session
    flush_s: float = 0.0  # spent on flushes
    uploads: int = 0  # objects that the store has taken, or had
    upload_bytes: int = 0
    upload_failures: int = 0
    disk_size_bytes: int = 0
    disk_free_min_bytes: int = 0


class ServiceReport(ProcessReport, frozen=True, kw_only=True):
    """The report of a process that neither records nor writes."""

    address: str | None = None  # where it serves
    calls: bool | None = None  # whether it calls somebody when something is not well
    call_error: str | None = None  # what stands in the way of a call
    call_error_since: int | None = None


class CertifierReport(ProcessReport, frozen=True, kw_only=True):
    """The certifier's report of its last pass over the tape."""

    state: str  # certifying waiting
    passes: int  # since its start
    certified: int  # days, since its start
    last_pass_ts: int | None
    next_pass_ts: int | None
    faults: list[str]  # of the last pass: why days could not be certified
    days_late: list[str]  # of seven days ago or earlier that have no certificate
    report_fault: str | None = None  # of the last pass: why no report was put beside the tape


class SinkReport(ProcessReport, frozen=True, kw_only=True):
    """A sink's report; totals count from its start."""

    sink: str
    state: str  # feeding waiting failing
    begin: str
    rows: int
    flushes: int
    flushes_due: int
    requests: int
    failures: int
    rows_met: int  # of a time that another row has too, whose place they took
    error: str | None
    is_refused: bool  # by the store, which will not have these rows
    last_row_ts: int | None  # `ts_recv` of the newest that the store has
    last_fed_ts: int | None


AnyReport = TypeVar("AnyReport", bound=ProcessReport)


class StatusFile:
    """The file in which one process reports; nobody else writes there."""

    def __init__(self, path: Path, process: str, *, clock_ns: Callable[[], int]) -> None:
        """Make its folder; the process begins now."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._process = process
        self._clock_ns = clock_ns
        self._ts_start = clock_ns()

    def head(self) -> dict[str, Any]:
        """Return what every report begins with."""
        return {
            "version": VERSION,
            "process": self._process,
            "pid": os.getpid(),
            "ts_start": self._ts_start,
            "ts_written": self._clock_ns(),
            "release": RELEASE,
        }

    def write(self, report: ProcessReport) -> None:
        """Replace the file; not synced, for nobody needs it after a power cut."""
        write_atomic(self._path, msgspec.json.encode(report), fsync=False)


def read(path: Path, kind: type[AnyReport]) -> AnyReport | None:
    """Return what a process last wrote; None if nothing is there that this release reads."""
    head = read_head(path)
    if head is None or head.version != VERSION:
        return None
    return _decode(path, kind)


def read_head(path: Path) -> ProcessReport | None:
    """Return the head of what a process of any release last wrote."""
    return _decode(path, ProcessReport)


def _decode(path: Path, kind: type[AnyReport]) -> AnyReport | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, *UNDECODABLE):
        return None
