"""Makes all metrics: the health of all processes, their use of the machine."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from math import nan
from typing import Final, get_args

from booktape.release import RELEASE
from services.operator.health.health import Health
from services.operator.health.trouble import Code
from services.operator.health.troubles import find_troubles
from services.operator.metrics.exposition import Family
from services.operator.metrics.feeds import collect_feeds
from services.operator.metrics.sinks import collect_sinks
from services.operator.metrics.tables import Metric, Table, seconds
from services.operator.metrics.usage import Usage, measure
from services.operator.metrics.writing import collect_writing

SUPERVISOR: Final = "supervisord"
CODES: Final[tuple[str, ...]] = get_args(Code)

WHOLE: Final = (
    Metric("build_info", "gauge", "1, with the version and the release that a process runs."),
    Metric("troubles", "gauge", "Troubles that `booktape status` shows; 0: all well."),
    Metric("trouble", "gauge", "Troubles of each code."),
    Metric("supervisor_up", "gauge", "1 while supervisord answers."),
)
PROCESSES: Final = (
    Metric("process_up", "gauge", "1 if the process runs and reports."),
    Metric("process_report_age_seconds", "gauge", "Age of its report; NaN: it never reported."),
    Metric("process_start_time_seconds", "gauge", "Time of its start; 0: never."),
    Metric("process_cpu_seconds_total", "counter", "User and system time since its start."),
    Metric("process_resident_memory_bytes", "gauge", "All its pages in memory."),
    Metric("process_proportional_memory_bytes", "gauge", "The same, shared pages by its share."),
)

Measure = Callable[[int | None], Usage]


def collect(health: Health, *, measure: Measure = measure) -> Iterable[Family]:
    """Return every metric, even before its first value."""
    return chain(
        _collect_whole(health),
        _collect_processes(health, measure),
        collect_feeds(health),
        collect_writing(health),
        collect_sinks(health),
    )


def _collect_whole(health: Health) -> Iterable[Family]:
    table = Table(WHOLE)
    troubles = find_troubles(health)
    for process, release in _find_releases(health).items():
        labels = {"process": process, "version": release.partition("+")[0], "release": release}
        table.add("build_info", labels, 1)
    table.add("troubles", {}, len(troubles))
    for code in CODES:
        count = sum(trouble.code == code for trouble in troubles)
        table.add("trouble", {"code": code}, count)
    table.add("supervisor_up", {}, health.supervisor_pid is not None)
    return table


def _find_releases(health: Health) -> Mapping[str, str]:
    """Return the release of each process, and our own under the empty name."""
    reports = [process.report for process in [*health.processes, *health.programs]]
    known = {report.process: report.release for report in reports if report and report.release}
    return {"": RELEASE, **known}


def _collect_processes(health: Health, measure: Measure) -> Iterable[Family]:
    table = Table(PROCESSES)
    for process in [*health.processes, *health.programs]:
        is_well = process.is_reporting or (process in health.programs and process.report is None)
        report, age_s = process.report, process.report_age_s
        labels = {"process": process.name}
        table.add("process_up", labels, process.is_running and is_well)
        table.add("process_report_age_seconds", labels, nan if age_s is None else age_s)
        table.add(
            "process_start_time_seconds", labels, seconds(report.ts_start if report else None)
        )
        _add_usage(table, process.name, measure(process.pid))
    _add_usage(table, SUPERVISOR, measure(health.supervisor_pid))
    return table


def _add_usage(table: Table, name: str, usage: Usage) -> None:
    labels = {"process": name}
    table.add("process_cpu_seconds_total", labels, usage.cpu_s)
    table.add("process_resident_memory_bytes", labels, usage.resident_bytes)
    table.add("process_proportional_memory_bytes", labels, usage.proportional_bytes)
