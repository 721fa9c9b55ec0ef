"""What is not well, each with what to do about it.

Whoever adds a trouble yields it here, gives its code to `Code`, and writes its row in
docs/troubles.md; a test holds the three together.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from services.operator.health.health import LINE, Health, Process
from services.operator.health.trouble import Trouble, trouble_of
from shared.process.state import INGEST_PREFIX, StateFolder
from shared.process.status import VERSION, IngestReport, WriterReport

# An exchange that cannot be reached for so long is more than a lost connection.
UNREACHABLE_S: Final = 15.0
CONFIG_STATUS: Final = 78
DETAIL_CHARACTERS_MAX: Final = 300  # of what a process says; the rest is in its log
NAMES_MAX: Final = 10  # of symbols in one sentence


def find_troubles(health: Health) -> list[Trouble]:
    """Return each thing that somebody should look at, the worst first."""
    if health.supervisor_pid is None and not any(p.is_running for p in health.processes):
        remedy = "start it with: booktape up"
        return [Trouble(code="nothing-runs", text="nothing runs", remedy=remedy)]
    troubles: list[Trouble] = []
    if health.conflicts:
        folder = StateFolder(Path(health.state_path)).conflict
        text = f"{health.conflicts} flushes differ from what the store has under their names"
        remedy = f"compare those in {folder} with the store"
        troubles.append(Trouble(code="flush-conflict", text=text, remedy=remedy))
    for process in health.processes:
        troubles += _of_process(process, health)
    troubles += _of_journals(health)
    return troubles


def find_unreachable(process: Process, *, now_ns: int) -> Trouble | None:
    """Return since when and why an exchange cannot be reached, if it is long enough."""
    report = process.ingest
    since = report.unreachable_since if report else None
    if not report or not since or (now_ns - since) / 1e9 < UNREACHABLE_S:
        return None
    reason = f": {report.last_error}" if report.last_error else ""
    text = f"{process.exchange} cannot be reached for {round((now_ns - since) / 1e9)} s{reason}"
    return trouble_of(process, "exchange-unreachable", text, "it goes on trying")


def format_names(names: Sequence[str]) -> str:
    """Return the first of them, and how many more there are."""
    more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
    return ", ".join(names[:NAMES_MAX]) + more


def _of_process(process: Process, health: Health) -> Iterator[Trouble]:
    if not process.is_running:
        yield _stopped(process, health)
        return
    yield from _of_parent(process, health)
    restart = order("restart", process.program, health)
    if not process.is_reporting:
        text = f"{process.name} (pid {process.pid}) runs and reports nothing"
        yield trouble_of(process, "report-missing", text, f"if it stays so: {restart}")
    elif process.writer:
        yield from _of_writer(process, process.writer)
    elif process.ingest:
        yield from _of_feed(process, process.ingest, now_ns=health.ts)
    elif process.report:
        text = (
            f"{process.name} is of another release, whose reports (version "
            f"{process.report.version}, not {VERSION}) this one cannot read"
        )
        yield trouble_of(process, "report-foreign", text, restart)


def _of_parent(process: Process, health: Health) -> Iterator[Trouble]:
    if health.is_supervisor_lost and process.line in {LINE, None}:
        text = (
            f"the supervisord that started {process.name} is gone, and nobody would start it again"
        )
        remedy = f"kill {process.pid}, which drains it, then: booktape up"
        yield trouble_of(process, "supervisor-lost", text, remedy)
    elif health.supervisor_pid is not None and health.is_orphan(process):
        text = f"{process.name} is process {process.pid}, which an earlier supervisord left behind"
        remedy = f"kill {process.pid}, which drains it, and this one starts its own"
        yield trouble_of(process, "orphan", text, remedy)


def _stopped(process: Process, health: Health) -> Trouble:
    name, log = process.name, StateFolder(Path(health.state_path)).log(process.program)
    start = order("start", process.program, health)
    if process.program_state == "EXITED" and process.program_exitstatus == CONFIG_STATUS:
        text = f"{name} found a fault in the configuration, see the end of {log}"
        return trouble_of(process, "config-fault", text, f"correct it, then: {start}")
    if process.program_state == "STOPPED":
        return trouble_of(process, "stopped", f"{name} was stopped", start)
    if process.program_state == "STARTING":
        return trouble_of(process, "starting", f"{name} is being started", "give it a moment")
    if process.program_state is not None:
        text = f"{name} does not start and is tried again for ever"
        return trouble_of(process, "failing-to-start", text, f"see the end of {log}")
    text = f"{name} is not running, and no supervisord runs it"
    return trouble_of(process, "unsupervised", text, "booktape up")


def _of_feed(process: Process, report: IngestReport, *, now_ns: int) -> Iterator[Trouble]:
    name, exchange = process.name, process.exchange
    unreachable = find_unreachable(process, now_ns=now_ns)
    if report.state == "disk_full":
        text = f"{name} has closed its feed: the disk is full"
        remedy = "make room, or lower [state] disk_free_min_bytes"
        yield trouble_of(process, "feed-disk-full", text, remedy)
    elif unreachable:
        yield unreachable
    elif report.state != "live":
        yield _not_live(process, report)
    banned_until = report.rate_limited_until
    if banned_until and banned_until > now_ns:
        wait_s = round((banned_until - now_ns) / 1e9)
        text = f"{exchange} has refused more requests for {wait_s} s"
        yield trouble_of(process, "rate-limited", text, "it waits by itself")
    if report.journal_error:
        text = f"{name} cannot write its journal: {report.journal_error}"
        yield trouble_of(process, "journal-failing", text, "it is tried again for ever")
    if report.refused:
        text = f"{exchange} refuses {format_names(report.refused)}"
        remedy = f"correct [exchanges.{exchange}] symbols"
        yield trouble_of(process, "symbols-refused", text, remedy)


def _not_live(process: Process, report: IngestReport) -> Trouble:
    text, remedy = f"{process.name} is {report.state}", "it goes on by itself"
    if report.live < report.symbols:
        which = f" ({format_names(report.waiting)})" if report.waiting else ""
        text += f": {report.live} of {report.symbols} books live{which}"
    elif report.last_error:
        text += f": {report.last_error}"
    return trouble_of(process, "feed-not-live", text, remedy)


def _of_writer(process: Process, report: WriterReport) -> Iterator[Trouble]:
    if report.upload_error:
        text = f"uploads fail: {report.upload_error}"
        yield trouble_of(process, "upload-failing", text, "it is tried again for ever")
    if report.held_sessions:
        held = "; ".join(f"{session}: {reason}" for session, reason in report.held_sessions.items())
        text = f"the writer holds back {held[:DETAIL_CHARACTERS_MAX]}"
        yield trouble_of(process, "session-held", text, "nothing of it is lost")
    if report.state == "disk_full":
        text, remedy = "the writer has no room to flush", "make room on the disk of [state] path"
        yield trouble_of(process, "writer-disk-full", text, remedy)
    elif report.flush_error:
        text = f"the writer cannot flush: {report.flush_error}"
        yield trouble_of(process, "flush-failing", text, "it is tried again for ever")


def _of_journals(health: Health) -> Iterator[Trouble]:
    running = {p.exchange for p in health.processes if p.is_running and p.line == LINE}
    for journal in health.journals:
        # A running feed adopts it within a minute.
        is_lost = journal.owner_pid is None and not journal.is_delivered
        if is_lost and journal.exchange not in running:
            start = order("start", f"{INGEST_PREFIX}{journal.exchange}", health)
            yield Trouble(
                code="journal-undelivered",
                text=f"nobody delivers the journal of {journal.session}",
                remedy=f"start its feed: {start}",
                exchange=journal.exchange,
            )


def order(action: str, program: str, health: Health) -> str:
    """Return the command that has supervisord do this with a program."""
    conf = f"-c {health.conf} " if health.conf else ""
    return f"supervisorctl {conf}{action} {program}"
