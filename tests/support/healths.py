"""Makes healths of every kind by hand."""

from typing import Any

from services.operator.health.health import Health, JournalHealth, Process
from services.operator.health.troubles import find_troubles
from shared.process.status import (
    VERSION,
    CertifierReport,
    FeedCounts,
    IngestReport,
    ServiceReport,
    SinkReport,
    WriterReport,
)

TS = 1_800_000_000_000_000_000
S = 10**9

COUNTS = FeedCounts(
    chatter={"getTime": 7},
    unknown={},
    refused={},
    malformed=0,
    not_asked_for=0,
    snapshots_not_asked_for=0,
    snapshots_late=0,
)


def make_ingest_report(**values: Any) -> IngestReport:
    """Return the report of a healthy feed, with the given changes."""
    exchange, line = values.get("exchange", "bitvavo"), values.get("line", "a")
    defaults: dict[str, Any] = {
        "version": VERSION,
        "process": "ingest_bitvavo-a",
        "pid": 11,
        "ts_start": TS - 7200 * S,
        "ts_written": TS - S // 2,
        "exchange": "bitvavo",
        "line": "a",
        "session": f"20260101T000000.000000Z-{exchange}-{line}",
        "state": "live",
        "since": TS - 7200 * S,
        "symbols": 3,
        "live": 3,
        "waiting": [],
        "refused": [],
        "sockets": 1,
        "connections": 1,
        "reconnects": 1,
        "unreachable_since": None,
        "last_error": None,
        "rate_limited_until": None,
        "poll_interval_s": None,
        "messages_total": 660_000,
        "messages_per_s": 91.7,
        "events_total": 600_000,
        "last_data_ts": TS - S,
        "gaps_today": 2,
        "kinds": {"gap": 2},
        "counts": COUNTS,
        "journals": 1,
        "journal_bytes": 1_200_000,
        "journal_base": 590_000,
        "journal_synced": 599_990,
        "journal_next": 600_000,
        "journal_error": None,
        "disk_free_bytes": 10**10,
    }
    return IngestReport(**{**defaults, **values})


def make_writer_report(**values: Any) -> WriterReport:
    """Return the report of a healthy writer, with the given changes."""
    defaults: dict[str, Any] = {
        "version": VERSION,
        "process": "buffer_writer",
        "pid": 12,
        "ts_start": TS - 7200 * S,
        "ts_written": TS - S // 2,
        "state": "running",
        "frames": 30_000,
        "frames_refused": 0,
        "frames_doubled": 0,
        "frames_ahead": 0,
        "rows": 9_000_000,
        "rows_per_s": 1234.5,
        "rows_buffered": 56_789,
        "flushes": 24,
        "flush_error": None,
        "last_flush_ts": TS - 12 * S,
        "last_flush_rows": 500_000,
        "last_flush_bytes": 4_000_000,
        "held_sessions": {},
        "sessions": {
            f"20260101T000000.000000Z-{exchange}-{line}": (590_000, 599_990)
            for exchange in ("bitvavo", "btcturk")
            for line in "ab"
        },
        "spool_bytes": 0,
        "spool_flushes": 0,
        "conflicts": 0,
        "last_upload_ts": TS - 11 * S,
        "upload_error": None,
        "disk_free_bytes": 10**10,
    }
    return WriterReport(**{**defaults, **values})


def make_feed(exchange: str = "bitvavo", line: str = "a", **values: Any) -> Process:
    """Return a healthy feed, with the given changes."""
    name = f"ingest_{exchange}-{line}"
    return Process(
        name=name,
        program=f"ingest_{exchange}",
        exchange=exchange,
        line=line,
        is_running=True,
        pid=11,
        report_age_s=0.5,
        program_state="RUNNING",
        program_exitstatus=0,
        report=make_ingest_report(process=name, exchange=exchange, line=line, **values),
    )


def make_writer(**values: Any) -> Process:
    """Return a healthy writer, with the given changes."""
    return Process(
        name="buffer_writer",
        program="buffer_writer",
        exchange=None,
        line=None,
        is_running=True,
        pid=12,
        report_age_s=0.5,
        program_state="RUNNING",
        program_exitstatus=0,
        report=make_writer_report(**values),
    )


def make_program(name: str = "dashboard", **values: Any) -> Process:
    """Return a healthy program beside feeds and writer, with the given changes."""
    defaults: dict[str, Any] = {
        "program": name,
        "exchange": None,
        "line": None,
        "is_running": True,
        "pid": 13,
        "report_age_s": 0.5,
        "program_state": "RUNNING",
        "program_exitstatus": 0,
        "report": ServiceReport(
            version=VERSION,
            process=name,
            pid=13,
            ts_start=TS - 7200 * S,
            ts_written=TS - S // 2,
            address="http://127.0.0.1:8600/",
        ),
    }
    return Process(name=name, **{**defaults, **values})


def make_certifier(**values: Any) -> Process:
    """Return a certifier that waits for the next day, with the given changes."""
    defaults: dict[str, Any] = {
        "version": VERSION,
        "process": "certifier",
        "pid": 13,
        "ts_start": TS - 7200 * S,
        "ts_written": TS - S // 2,
        "state": "waiting",
        "passes": 1,
        "certified": 0,
        "last_pass_ts": 1,
        "next_pass_ts": 2,
        "faults": [],
        "days_late": [],
    }
    return make_program("certifier", report=CertifierReport(**{**defaults, **values}))


def make_sink_report(**values: Any) -> SinkReport:
    """Return the report of a healthy sink, with the given changes."""
    defaults: dict[str, Any] = {
        "version": VERSION,
        "process": "sink_influx",
        "pid": 14,
        "ts_start": TS - 7200 * S,
        "ts_written": TS - S // 2,
        "sink": "influx",
        "state": "waiting",
        "begin": "2026-01-01",
        "rows": 1_234_567,
        "flushes": 48,
        "flushes_due": 0,
        "requests": 600,
        "failures": 2,
        "rows_met": 0,
        "error": None,
        "is_refused": False,
        "last_row_ts": TS - 300 * S,
        "last_fed_ts": TS - 20 * S,
    }
    return SinkReport(**{**defaults, **values})


def make_sink(**values: Any) -> Process:
    """Return a healthy sink, with the given changes of its report."""
    return make_program("sink_influx", pid=14, report=make_sink_report(**values))


def make_journal(exchange: str = "bitvavo", *, owner_pid: int | None = 11) -> JournalHealth:
    """Return a journal that somebody owns, or nobody."""
    return JournalHealth(
        exchange=exchange,
        session=f"20260101T000000.000000Z-{exchange}-a",
        bytes=1_200_000,
        owner_pid=owner_pid,
        is_delivered=False,
    )


def make_health(
    *processes: Process, journals: list[JournalHealth] | None = None, conflicts: int = 0
) -> Health:
    """Return these processes, else all of them well, under a supervisord."""
    return Health(
        ts=TS,
        state_path="/state",
        supervisor_pid=10,
        processes=list(processes) or [make_feed(), make_feed("btcturk"), make_writer()],
        journals=journals or [],
        spool_bytes=0,
        spool_flushes=0,
        conflicts=conflicts,
    )


def find_sentences(health: Health) -> list[str]:
    """Return the troubles as sentences."""
    return [trouble.sentence for trouble in find_troubles(health)]
