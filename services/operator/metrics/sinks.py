"""Makes metrics from the reports of sinks."""

from collections.abc import Iterable
from typing import Final

from services.operator.health.health import Health
from services.operator.metrics.exposition import Family
from services.operator.metrics.tables import Metric, Table, seconds
from shared.process.state import SINK_PREFIX

METRICS: Final = (
    Metric("sink_rows_total", "counter", "Rows that the other store has taken."),
    Metric("sink_requests_total", "counter", "Requests to the other store."),
    Metric("sink_failures_total", "counter", "Requests that failed, or that the store refused."),
    Metric("sink_rows_met_total", "counter", "Rows that replaced others."),
    Metric("sink_failing", "gauge", "1 while the sink cannot feed."),
    Metric("sink_flushes_due", "gauge", "Flushes known but not fed yet."),
    Metric("sink_last_timestamp_seconds", "gauge", "Time of the newest row fed; 0: none yet."),
)


def collect_sinks(health: Health) -> Iterable[Family]:
    """Return the metrics of all sinks; a sink that never reported has every series at 0."""
    table = Table(METRICS)
    for process in health.programs:
        if not process.name.startswith(SINK_PREFIX):
            continue
        labels = {"sink": process.name.removeprefix(SINK_PREFIX)}
        report = process.sink
        table.add("sink_rows_total", labels, report.rows if report else 0)
        table.add("sink_requests_total", labels, report.requests if report else 0)
        table.add("sink_failures_total", labels, report.failures if report else 0)
        table.add("sink_rows_met_total", labels, report.rows_met if report else 0)
        table.add("sink_failing", labels, bool(report and report.error))
        table.add("sink_flushes_due", labels, report.flushes_due if report else 0)
        newest = seconds(report.last_row_ts if report else None)
        table.add("sink_last_timestamp_seconds", labels, newest)
    return table
