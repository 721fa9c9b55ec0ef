"""Finds the troubles of the certifier; none of them endangers what was recorded."""

from collections.abc import Iterator
from typing import Final

from services.operator.health.health import Process
from services.operator.health.trouble import Trouble, trouble_of
from shared.process.status import CertifierReport

DAYS_MAX: Final = 5  # in one sentence


def find_certifier_troubles(process: Process, report: CertifierReport) -> Iterator[Trouble]:
    """Yield the troubles of the certifier that reports."""
    if report.faults:
        more = f" (and {len(report.faults) - 1} more)" if len(report.faults) > 1 else ""
        text = f"a day could not be certified: {report.faults[0]}{more}"
        remedy = "it is tried again each hour; the segments are there: booktape verify"
        yield trouble_of(process, "certify-failing", text, remedy)
    if report.report_fault:
        text = f"a day's report could not be put beside the tape: {report.report_fault}"
        remedy = "it is tried again each hour; see why: booktape report --put"
        yield trouble_of(process, "report-failing", text, remedy)
    if report.days_late:
        days = report.days_late
        more = f" and {len(days) - DAYS_MAX} more" if len(days) > DAYS_MAX else ""
        text = f"a week later no certificate stands for {', '.join(days[:DAYS_MAX])}{more}"
        remedy = "see why: booktape certify --date D; a rule may remove the segments of such days"
        yield trouble_of(process, "day-uncertified", text, remedy)
