"""States of every kind, made by hand."""

from services.operator.health.health import Health, Journal, Process, Value

TS = 1_800_000_000_000_000_000
S = 10**9


def make_feed(exchange: str = "bitvavo", line: str = "a", **values: Value) -> Process:
    """Return a feed that does well, but for what is given."""
    defaults: dict[str, Value] = {
        "state": "live",
        "since": TS - 7200 * S,
        "symbols": 3,
        "live": 3,
        "session": "20260101T000000.000000Z-bitvavo-a",
        "last_data_ts": TS - S,
        "gaps_today": 2,
        "reconnects": 1,
        "messages_total_rate": 91.7,
    }
    return Process(
        name=f"ingest_{exchange}-{line}",
        program=f"ingest_{exchange}",
        exchange=exchange,
        line=line,
        is_running=True,
        pid=11,
        report_age_s=0.5,
        program_state="RUNNING",
        program_exitstatus=0,
        values={**defaults, **values},
    )


def make_writer(**values: Value) -> Process:
    """Return a writer that does well, but for what is given."""
    defaults: dict[str, Value] = {
        "state": "running",
        "rows_rate": 1234.5,
        "rows_buffered": 56_789,
        "last_flush_ts": TS - 12 * S,
        "last_flush_rows": 500_000,
        "last_upload_ts": TS - 11 * S,
        "upload_error": None,
    }
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
        values={**defaults, **values},
    )


def make_journal(exchange: str = "bitvavo", *, owner_pid: int | None = 11) -> Journal:
    """Return a journal that somebody owns, or nobody."""
    return Journal(
        exchange=exchange,
        session=f"20260101T000000.000000Z-{exchange}-a",
        bytes=1_200_000,
        owner_pid=owner_pid,
        is_delivered=False,
    )


def make_health(
    *processes: Process, journals: list[Journal] | None = None, conflicts: int = 0
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
