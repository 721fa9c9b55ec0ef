"""Finds the troubles of sinks; none of them endangers the tape."""

from collections.abc import Iterator

from services.operator.health.health import Process
from services.operator.health.trouble import Trouble, trouble_of
from shared.process.status import SinkReport


def find_sink_troubles(process: Process, report: SinkReport) -> Iterator[Trouble]:
    """Yield the troubles of one sink that reports."""
    if report.error and report.is_refused:
        text = f"the other store refuses {process.name}: {report.error}"
        remedy = "the sink skips nothing: correct the other store, or [sinks]"
        yield trouble_of(process, "sink-refused", text, remedy)
    elif report.error:
        text = f"{process.name} cannot feed: {report.error}"
        yield trouble_of(process, "sink-failing", text, "the sink keeps trying")
    if report.rows_met:
        text = f"{report.rows_met} rows that {process.name} fed replaced others"
        remedy = "the tape has them all: compare by event_number"
        yield trouble_of(process, "sink-rows-met", text, remedy)
