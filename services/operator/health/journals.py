"""Finds the troubles of journals: nobody delivers one, or the writer does not see it."""

from collections.abc import Iterator
from typing import Final

from services.operator.health.health import Health
from services.operator.health.trouble import Trouble, order, trouble_of
from shared.process.state import INGEST_PREFIX

UNHEARD_S: Final = 60.0  # the writer sees a new session within a second
UNDELIVERED_S: Final = 300.0


def find_journal_troubles(health: Health) -> Iterator[Trouble]:
    """Yield the troubles of all journals."""
    yield from _of_pipes(health)
    yield from _of_journals(health)


def _of_pipes(health: Health) -> Iterator[Trouble]:
    """Yield feeds whose frames the writer does not see, though both run."""
    reports = [p.writer for p in health.processes if p.is_reporting and p.writer]
    for writer in reports:
        for process in health.processes:
            report = process.ingest
            if not process.is_reporting or report is None:
                continue
            since = max(report.ts_start, writer.ts_start)
            is_known = report.session in writer.sessions or report.session in writer.held_sessions
            if not is_known and report.journal_synced and health.ts - since > UNHEARD_S * 1e9:
                text = f"the journal of {report.session} grows, but the writer does not see it"
                remedy = f"the journal keeps it all; {order('restart', process.program, health)}"
                yield trouble_of(process, "journal-unheard", text, remedy)


def _of_journals(health: Health) -> Iterator[Trouble]:
    running = {p.exchange for p in health.processes if p.is_running and p.is_supervised}
    for journal in health.journals:
        is_lost = journal.owner_pid is None and not journal.is_delivered
        age_s = (health.ts - (journal.written_ts or health.ts)) / 1e9
        is_adopting = journal.exchange in running
        # A running feed adopts a journal within a minute, but only a few at a time.
        if is_lost and not (is_adopting and age_s <= UNDELIVERED_S):
            start = order("start", f"{INGEST_PREFIX}{journal.exchange}", health)
            log = "see the log of its feed: a newer release wrote the journal, or it waits its turn"
            yield Trouble(
                code="journal-undelivered",
                text=f"nobody delivers the journal of {journal.session}",
                remedy=log if is_adopting else f"start its feed: {start}",
                exchange=journal.exchange,
            )
