"""Makes metrics from the reports of feeds."""

from collections import Counter
from collections.abc import Iterable
from math import nan
from typing import Final, get_args

from booktape.keys import exchange_of, line_of
from services.operator.health.health import FOREIGN, Health, Process
from services.operator.metrics.exposition import Family
from services.operator.metrics.tables import Metric, Table, seconds
from shared.event import Kind
from shared.process.status import IngestReport

STATES: Final = (
    "starting",
    "connecting",
    "degraded",
    "live",
    "disabled",
    "disk_full",
    "stopping",
    "silent",
    "stopped",
    FOREIGN,
)
Line = tuple[str | None, str | None]  # an exchange and its line
HOLE: Final = "journal_hole"
KINDS: Final[tuple[str, ...]] = get_args(Kind)

METRICS: Final = (
    Metric("feed_state", "gauge", "1 for the state that the feed is in, 0 for every other."),
    Metric("feed_symbols", "gauge", "Symbols: wanted, live, refused."),
    Metric("feed_sockets", "gauge", "Sockets that the feed wants open."),
    Metric("feed_connections", "gauge", "Sockets that are open."),
    Metric("feed_rate_limited", "gauge", "1 while the exchange refuses requests."),
    Metric("feed_silenced", "gauge", "1 while an announced maintenance silences the exchange."),
    Metric("feed_messages_total", "counter", "Messages received, with answers to polls."),
    Metric("feed_received_bytes_total", "counter", "Bytes of these messages."),
    Metric("feed_events_total", "counter", "Events numbered and journalled."),
    Metric("feed_reconnects_total", "counter", "Connections lost."),
    Metric("feed_incidents_total", "counter", "Rows of feed_events, by kind."),
    Metric("feed_audits_total", "counter", "Books compared with the exchange's own."),
    Metric("feed_audits_unanswered_total", "counter", "Audits that the exchange left unanswered."),
    Metric("feed_last_audit_timestamp_seconds", "gauge", "Time of the last audit; 0: none yet."),
    Metric("feed_tickers_judged_total", "counter", "Tickers compared with our best prices."),
    Metric("feed_tickers_agreed_total", "counter", "Judged tickers that agreed."),
    Metric("feed_last_data_timestamp_seconds", "gauge", "Time of the last data; 0: never."),
    Metric("feed_delay_seconds", "gauge", "From an event, by the exchange's clock, to us."),
    Metric("feed_journal_bytes", "gauge", "Journals on disk, with those of dead feeds."),
    Metric("feed_journals", "gauge", "Journals that the feed delivers."),
    Metric("feed_unsynced_events", "gauge", "Events that a power cut would take."),
    Metric("feed_unstored_events", "gauge", "Events that the writer has not committed."),
)


def collect_feeds(health: Health) -> Iterable[Family]:
    """Return the metrics of all feeds; a feed that never reported has every series at 0."""
    table = Table(METRICS)
    committed, holes = _find_committed(health), _find_holes(health)
    away = {silence.exchange for silence in health.silences}
    for process in health.processes:
        if process.exchange is not None and process.line is not None:
            labels = {"exchange": process.exchange, "line": process.line}
            table.add("feed_silenced", labels, process.exchange in away)
            _add(table, process, committed, holes, now_ns=health.ts)
    return table


def _find_holes(health: Health) -> Counter[Line]:
    """Return the number of holes of each line, from the writer, which writes their rows."""
    holes: Counter[Line] = Counter()
    for report in [process.writer for process in health.processes if process.writer]:
        for session, count in report.journal_holes.items():
            holes[exchange_of(session), line_of(session)] += count
    return holes


def _find_committed(health: Health) -> dict[str, int]:
    """Return the first uncommitted event of each session that the writer knows."""
    reports = [process.writer for process in health.processes if process.writer]
    return {name: pair[0] for report in reports for name, pair in report.sessions.items()}


def _add(
    table: Table,
    process: Process,
    committed: dict[str, int],
    holes: Counter[Line],
    *,
    now_ns: int,
) -> None:
    labels = {"exchange": process.exchange or "", "line": process.line or ""}
    report = process.ingest
    for state in STATES:
        table.add("feed_state", {**labels, "state": state}, state == process.state)
    for state, count in _symbols(report).items():
        table.add("feed_symbols", {**labels, "state": state}, count)
    kinds = {**(report.kinds if report else {}), HOLE: holes[process.exchange, process.line]}
    for kind in KINDS:
        table.add("feed_incidents_total", {**labels, "kind": kind}, kinds.get(kind, 0))
    for name, value in _values(report, committed, now_ns=now_ns).items():
        table.add(name, labels, value)


def _symbols(report: IngestReport | None) -> dict[str, int]:
    if report is None:
        return {"wanted": 0, "live": 0, "refused": 0}
    return {"wanted": report.symbols, "live": report.live, "refused": len(report.refused)}


def _values(
    report: IngestReport | None, committed: dict[str, int], *, now_ns: int
) -> dict[str, float]:
    """Return each metric that has one series a feed."""
    if report is None:
        own = {"feed_state", "feed_symbols", "feed_incidents_total", "feed_silenced"}
        values: dict[str, float] = {name: 0 for name, _, _ in METRICS if name not in own}
        return {**values, "feed_delay_seconds": nan}
    following, session = report.journal_next, report.session
    delay_ns = report.delay_ns
    return {
        "feed_sockets": report.sockets,
        "feed_connections": report.connections,
        "feed_rate_limited": (report.rate_limited_until or 0) > now_ns,
        "feed_messages_total": report.messages_total,
        "feed_received_bytes_total": report.received_bytes,
        "feed_events_total": report.events_total,
        "feed_reconnects_total": report.reconnects,
        "feed_audits_total": report.counts.audits,
        "feed_audits_unanswered_total": report.counts.audits_unanswered,
        "feed_last_audit_timestamp_seconds": seconds(report.counts.last_audit_ts),
        "feed_tickers_judged_total": report.counts.tickers_judged,
        "feed_tickers_agreed_total": report.counts.tickers_agreed,
        "feed_last_data_timestamp_seconds": seconds(report.last_data_ts),
        "feed_delay_seconds": nan if delay_ns is None else delay_ns / 1e9,
        "feed_journal_bytes": report.journal_bytes,
        "feed_journals": report.journals,
        "feed_unsynced_events": following - report.journal_synced,
        # The two reports are of different moments, so their difference may be negative.
        "feed_unstored_events": max(0, following - committed.get(session, report.journal_base)),
    }
