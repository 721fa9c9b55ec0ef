"""Finds the troubles of the certifier; none of them endangers what was recorded."""

from collections.abc import Iterator
from typing import Final

from services.operator.health.health import Process
from services.operator.health.trouble import Trouble, trouble_of
from shared.process.status import CertifierReport

DAYS_MAX: Final = 5  # named in one sentence


def find_certifier_troubles(process: Process, report: CertifierReport) -> Iterator[Trouble]:
    """Yield the troubles of the certifier that reports."""
    if report.faults:
        more = f" (and {len(report.faults) - 1} more)" if len(report.faults) > 1 else ""
        text = f"the certifier could not certify a day: {report.faults[0]}{more}"
        remedy = "the certifier tries again each hour; to check the segments: booktape verify"
        yield trouble_of(process, "certify-failing", text, remedy)
    if report.report_fault:
        text = f"the certifier could not put a day's report beside the tape: {report.report_fault}"
        remedy = "the certifier tries again each hour; to see why: booktape report --put"
        yield trouble_of(process, "report-failing", text, remedy)
    if report.days_late:
        days = report.days_late
        more = f" and {len(days) - DAYS_MAX} more" if len(days) > DAYS_MAX else ""
        text = f"after a week no certificate stands for {', '.join(days[:DAYS_MAX])}{more}"
        remedy = "to see why: booktape certify --date D; a lifecycle rule removes such days too"
        yield trouble_of(process, "day-uncertified", text, remedy)
