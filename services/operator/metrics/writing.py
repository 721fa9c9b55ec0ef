"""Makes metrics of all writing, from the writer's report: flushes, spool, uploads, disk."""

from collections.abc import Iterable
from typing import Final

from services.operator.health.health import Health
from services.operator.metrics.exposition import Family
from services.operator.metrics.tables import Metric, Table, seconds
from shared.process.status import WriterReport

METRICS: Final = (
    Metric("writer_frames_total", "counter", "Frames received."),
    Metric("writer_rows_total", "counter", "Rows received for the tape."),
    Metric("writer_flushes_total", "counter", "Flushes committed."),
    Metric("writer_flush_seconds_total", "counter", "Time spent on flushes."),
    Metric("writer_buffered_rows", "gauge", "Rows not committed yet."),
    Metric("writer_held_sessions", "gauge", "Sessions whose frames the writer holds back."),
    Metric("writer_flush_failing", "gauge", "1 while the disk refuses a flush."),
    Metric("writer_last_flush_timestamp_seconds", "gauge", "Time of the last commit; 0: none yet."),
    Metric("writer_last_upload_timestamp_seconds", "gauge", "Time of the last upload; 0: none."),
    Metric("upload_objects_total", "counter", "Objects that the store has taken."),
    Metric("upload_bytes_total", "counter", "Bytes of these objects."),
    Metric("upload_failures_total", "counter", "Uploads that the store refused or did not answer."),
    Metric("upload_failing", "gauge", "1 while uploads fail."),
    Metric("upload_waiting_seconds", "gauge", "Wait of the oldest flush for the store."),
    Metric("spool_bytes", "gauge", "Committed bytes that wait for the store."),
    Metric("spool_flushes", "gauge", "Committed flushes that wait for the store."),
    Metric("spool_conflicts", "gauge", "Flushes set aside: the store has others."),
    Metric("disk_free_bytes", "gauge", "Free bytes on the disk of the state folder."),
    Metric("disk_size_bytes", "gauge", "Size of that disk."),
    Metric("disk_free_min_bytes", "gauge", "A feed closes below so many free bytes."),
)


def collect_writing(health: Health) -> Iterable[Family]:
    """Return the metrics of the writer; before its first report every series is 0."""
    table = Table(METRICS)
    report = next((process.writer for process in health.processes if process.writer), None)
    values: dict[str, float] = {metric.name: 0 for metric in METRICS}
    values |= _values(report, now_ns=health.ts) if report else {}
    values |= {
        "spool_bytes": health.spool_bytes,
        "spool_flushes": health.spool_flushes,
        "spool_conflicts": health.conflicts,
    }
    for name, value in values.items():
        table.add(name, {}, value)
    return table


def _values(report: WriterReport, *, now_ns: int) -> dict[str, float]:
    oldest = report.oldest_flush_ts
    return {
        "writer_frames_total": report.frames,
        "writer_rows_total": report.rows,
        "writer_flushes_total": report.flushes,
        "writer_flush_seconds_total": report.flush_s,
        "writer_buffered_rows": report.rows_buffered,
        "writer_held_sessions": len(report.held_sessions),
        "writer_flush_failing": report.flush_error is not None,
        "writer_last_flush_timestamp_seconds": seconds(report.last_flush_ts),
        "writer_last_upload_timestamp_seconds": seconds(report.last_upload_ts),
        "upload_objects_total": report.uploads,
        "upload_bytes_total": report.upload_bytes,
        "upload_failures_total": report.upload_failures,
        "upload_failing": report.upload_error is not None,
        "upload_waiting_seconds": max(0.0, (now_ns - oldest) / 1e9) if oldest else 0,
        "disk_free_bytes": report.disk_free_bytes,
        "disk_size_bytes": report.disk_size_bytes,
        "disk_free_min_bytes": report.disk_free_min_bytes,
    }
