"""Finds the troubles of sinks; none of them endangers the tape."""

from collections.abc import Iterator

from services.operator.health.health import Process
from services.operator.health.trouble import Trouble, trouble_of
from shared.process.status import SinkReport


def find_sink_troubles(process: Process, report: SinkReport) -> Iterator[Trouble]:
    """Yield the troubles of one sink that reports."""
    if report.error and report.is_refused:
        text = f"{process.name} is refused: {report.error}"
        remedy = "nothing is skipped: correct what it names, in the other store or in [sinks]"
        yield trouble_of(process, "sink-refused", text, remedy)
    elif report.error:
        text = f"{process.name} cannot feed: {report.error}"
        yield trouble_of(process, "sink-failing", text, "it is tried again for ever")
    if report.rows_met:
        text = f"{report.rows_met} rows that {process.name} fed replaced others"
        remedy = "the tape has them all: compare by event_number"
        yield trouble_of(process, "sink-rows-met", text, remedy)
