"""Judges the readiness of a box to take over; a refused symbol is a trouble, but no obstacle."""

from collections.abc import Iterator
from typing import Final

from services.operator.health.health import FOREIGN, Health, Process
from shared.process.status import IngestReport

DISABLED: Final = "disabled"
LIVE_SHARE_MIN: Final = 0.9  # of the books that can be live: not halted, not refused
# A feed connected for so long has all that its exchange will give.
SETTLED_S: Final = 300.0
UNREACHABLE_S: Final = 15.0


def find_unready(health: Health) -> list[str]:
    """Return each reason why the box cannot take over."""
    if health.supervisor_pid is None:
        return ["no supervisord answers"]
    return [
        reason
        for process in health.processes
        if process.is_supervised
        for reason in _of_process(process, ts=health.ts)
    ]


def is_down(process: Process) -> bool:
    """Return whether a feed records too few of the symbols that are not refused."""
    if not process.is_running or not process.is_reporting:
        return True
    report = process.ingest
    if report is None:  # a process of another release, which is about to end or has just begun
        return False
    wanted = report.symbols - len(report.refused) - len(report.halted)
    return report.state != DISABLED and report.live < max(1, LIVE_SHARE_MIN * wanted)


def _of_process(process: Process, *, ts: int) -> Iterator[str]:
    report = process.ingest
    if not process.is_running or not process.is_reporting:
        yield f"{process.name} is {process.state}"
    elif process.exchange is None:
        if process.state not in {"running", FOREIGN}:
            yield f"{process.name} is {process.state}"
    elif report and is_down(process) and not _is_settled(report, ts=ts):
        yield f"{process.name} is {report.state}: {report.live} of {report.symbols} books live"


def _is_settled(report: IngestReport, *, ts: int) -> bool:
    """Return whether waiting is useless: the feed has been connected, or cut off, for long."""
    if report.unreachable_since:
        return (ts - report.unreachable_since) / 1e9 >= UNREACHABLE_S
    return report.state == "degraded" and (ts - report.since) / 1e9 >= SETTLED_S
