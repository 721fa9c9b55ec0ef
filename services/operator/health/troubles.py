"""Finds all troubles in the health of a box, each with its remedy.

To add a trouble, yield it here, add its code to `Code`, write its row in docs/troubles.md; a test
holds the three together.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from booktape.release import RELEASE
from services.operator.health.certifier import find_certifier_troubles
from services.operator.health.health import Health, Process
from services.operator.health.journals import find_journal_troubles
from services.operator.health.sinks import find_sink_troubles
from services.operator.health.trouble import OF_EXCHANGE, Trouble, order, trouble_of
from shared.process.state import StateFolder
from shared.process.status import (
    VERSION,
    CertifierReport,
    IngestReport,
    ServiceReport,
    WriterReport,
)

# An exchange out of reach for so long is more than a lost connection.
UNREACHABLE_S: Final = 15.0
CONFIG_STATUS: Final = 78
DETAIL_CHARACTERS_MAX: Final = 300  # of a process's own explanation; its log has the rest
# A store may hang without an error: a flush may wait so long, and so many flush intervals.
UPLOAD_LATE_S: Final = 600.0
UPLOAD_LATE_INTERVALS: Final = 3
UNCALLED_S: Final = 60.0  # a webhook may be away for a moment
AUDITS_MISSING_S: Final = 3600.0
NAMES_MAX: Final = 10  # symbols named in one sentence


def find_troubles(health: Health) -> list[Trouble]:
    """Return every trouble that is not silenced, the worst first."""
    return [trouble for trouble in _find_all(health) if not _is_silenced(trouble, health)]


def find_silenced(health: Health) -> list[Trouble]:
    """Return the troubles that are silenced."""
    return [trouble for trouble in _find_all(health) if _is_silenced(trouble, health)]


def _find_all(health: Health) -> list[Trouble]:
    if health.supervisor_pid is None and not any(p.is_running for p in health.processes):
        remedy = "start it with: booktape up"
        return [Trouble(code="nothing-runs", text="nothing runs", remedy=remedy)]
    troubles: list[Trouble] = []
    if health.supervisor_deaf_pid:
        pid = health.supervisor_deaf_pid
        text = f"supervisord (process {pid}) runs but does not answer on its socket"
        remedy = f"the recording goes on; to start another: kill {pid}, then booktape up"
        troubles.append(Trouble(code="supervisor-deaf", text=text, remedy=remedy))
    if health.conflicts:
        folder = StateFolder(Path(health.state_path)).conflict
        text = (
            f"the writer set {health.conflicts} flushes aside: the store has other objects under "
            "their names, or their events in other flushes"
        )
        remedy = f"was the state restored, or the box cloned? compare {folder} with the store"
        troubles.append(Trouble(code="flush-conflict", text=text, remedy=remedy))
    for process in health.processes:
        troubles += _of_process(process, health)
    troubles += _of_clock(health)
    for program in health.programs:
        troubles += _of_program(program, health)
    troubles += find_journal_troubles(health)
    return troubles


def _is_silenced(trouble: Trouble, health: Health) -> bool:
    """Return whether a trouble is an exchange's own, during its announced maintenance."""
    names = {silence.exchange for silence in health.silences}
    return trouble.exchange in names and trouble.code in OF_EXCHANGE


def find_unreachable(process: Process, *, now_ns: int) -> Trouble | None:
    """Return the trouble of an exchange that has been unreachable for long enough."""
    report = process.ingest
    since = report.unreachable_since if report else None
    if not report or not since or (now_ns - since) / 1e9 < UNREACHABLE_S:
        return None
    reason = f": {report.last_error}" if report.last_error else ""
    text = f"{process.exchange} has been unreachable for {round((now_ns - since) / 1e9)} s{reason}"
    return trouble_of(process, "exchange-unreachable", text, "the feed keeps trying")


def make_late(age_s: float) -> Trouble:
    """Return the trouble of a last look that is too old, for a process that looks regularly."""
    return Trouble(
        code="look-late",
        text=f"the last look is {round(age_s)} s old, and so are these figures",
        remedy="the recording may go on; look at the machine: a disk that hangs, or too much load",
    )


def format_names(names: Sequence[str]) -> str:
    """Return the first names, and the number of the rest."""
    more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
    return ", ".join(names[:NAMES_MAX]) + more


def _of_process(process: Process, health: Health) -> Iterator[Trouble]:
    if not process.is_running:
        yield _stopped(process, health)
        return
    yield from _of_parent(process, health)
    yield from _of_release(process, health)
    restart = order("restart", process.program, health)
    if not process.is_reporting:
        yield _silent(process, restart)
    elif process.writer:
        yield from _of_writer(process, process.writer, now_ns=health.ts)
    elif process.ingest:
        yield from _of_feed(process, process.ingest, now_ns=health.ts)
    elif process.report:
        text = (
            f"{process.name} runs another release, whose reports (version "
            f"{process.report.version}, not {VERSION}) this release cannot read"
        )
        yield trouble_of(process, "report-foreign", text, restart)


def _of_program(process: Process, health: Health) -> Iterator[Trouble]:
    """Yield the troubles of a program that neither records nor writes."""
    if not process.is_running:
        yield _stopped(process, health)
        return
    yield from _of_release(process, health)
    report = process.report
    if report is not None and not process.is_reporting:
        yield _silent(process, order("restart", process.program, health))
    elif isinstance(report, ServiceReport) and report.call_error:
        since = report.call_error_since or health.ts
        if (health.ts - since) / 1e9 > UNCALLED_S:
            text = f"a call about a trouble fails: {report.call_error}"
            yield trouble_of(process, "call-failing", text, "correct [alerts] webhook_url")
    elif process.sink:
        yield from find_sink_troubles(process, process.sink)
    elif isinstance(report, CertifierReport):
        yield from find_certifier_troubles(process, report)


def _silent(process: Process, restart: str) -> Trouble:
    text = f"{process.name} (pid {process.pid}) runs but reports nothing"
    remedy = f"it may be slow: look at the machine's load; if it hangs for minutes: {restart}"
    return trouble_of(process, "report-missing", text, remedy)


def _of_release(process: Process, health: Health) -> Iterator[Trouble]:
    """Yield a program of another release than ours, which a boot would start."""
    runs = process.report.release if process.report else None
    if runs and runs != RELEASE and not health.is_deploying:
        text = f"{process.name} runs release {runs}, and a boot would start {RELEASE}"
        remedy = f"deploy again, or {order('restart', process.program, health)}"
        yield trouble_of(process, "release-differs", text, remedy)


def _of_parent(process: Process, health: Health) -> Iterator[Trouble]:
    if health.is_supervisor_lost and process.is_supervised:
        text = f"the supervisord that started {process.name} is gone; nothing would start it again"
        remedy = f"kill {process.pid}, which drains it, then: booktape up"
        yield trouble_of(process, "supervisor-lost", text, remedy)
    elif health.supervisor_pid is not None and health.is_orphan(process):
        text = f"{process.name} is process {process.pid}, which an earlier supervisord left behind"
        remedy = f"kill {process.pid}, which drains it; then supervisord starts its own"
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
        return trouble_of(process, "starting", f"{name} is starting", "wait a moment")
    if process.program_state is not None:
        text = f"{name} does not start; supervisord keeps trying"
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
    elif report.state not in {"live", "disabled"}:
        yield _not_live(process, report)
    banned_until = report.rate_limited_until
    if banned_until and banned_until > now_ns:
        wait_s = round((banned_until - now_ns) / 1e9)
        text = f"{exchange} refuses requests for another {wait_s} s"
        yield trouble_of(process, "rate-limited", text, "the feed waits by itself")
    if report.journal_error:
        text = f"{name} cannot write its journal: {report.journal_error}"
        yield trouble_of(process, "journal-failing", text, "the feed keeps trying")
    if report.refused:
        text = f"{exchange} refuses {format_names(report.refused)}"
        remedy = f"correct [exchanges.{exchange}] symbols"
        yield trouble_of(process, "symbols-refused", text, remedy)
    if report.malformed_channels:
        yield _malformed(process, report)
    missing_since = report.audits_missing_since
    if missing_since and (now_ns - missing_since) / 1e9 > AUDITS_MISSING_S:
        text = f"{exchange} has answered no audit of a book for an hour"
        remedy = "try: booktape book; the recording goes on, unproven"
        yield trouble_of(process, "audits-missing", text, remedy)
    yield from _of_refused(process, report)


def _malformed(process: Process, report: IngestReport) -> Trouble:
    channels, reasons = report.malformed_channels, report.counts.malformed_reasons
    most = max(reasons, key=lambda reason: reasons[reason], default="")[:DETAIL_CHARACTERS_MAX]
    text = f"{process.name} cannot read many messages ({format_names(channels)}): {most}"
    remedy = "look for a newer release; the tape has these messages only as malformed rows"
    return trouble_of(process, "messages-malformed", text, remedy)


def _of_refused(process: Process, report: IngestReport) -> Iterator[Trouble]:
    for session in report.sessions_refused:
        text = f"the writer has more of {session} than its journal, which stays as it is"
        remedy = "was the state restored? booktape verify says what the tape has of it"
        yield trouble_of(process, "session-refused", text, remedy)


def _not_live(process: Process, report: IngestReport) -> Trouble:
    text, remedy = f"{process.name} is {report.state}", "the feed recovers by itself"
    if report.live < report.symbols:
        which = f" ({format_names(report.waiting)})" if report.waiting else ""
        text += f": {report.live} of {report.symbols} books live{which}"
    elif report.last_error:
        text += f": {report.last_error}"
    return trouble_of(process, "feed-not-live", text, remedy)


def _of_writer(process: Process, report: WriterReport, *, now_ns: int) -> Iterator[Trouble]:
    if report.upload_error:
        text = f"uploads fail: {report.upload_error}"
        yield trouble_of(process, "upload-failing", text, "the uploader keeps trying")
    late_s = max(UPLOAD_LATE_S, UPLOAD_LATE_INTERVALS * (report.flush_interval_s or 0.0))
    age_s = (now_ns - (report.oldest_flush_ts or now_ns)) / 1e9
    if age_s > late_s:
        text = f"a flush has waited {round(age_s / 60)} min for the store"
        remedy = "check the store: it hangs, or is slower than the recording"
        yield trouble_of(process, "upload-late", text, remedy)
    if report.held_sessions:
        held = "; ".join(f"{session}: {reason}" for session, reason in report.held_sessions.items())
        text = f"the writer holds back {held[:DETAIL_CHARACTERS_MAX]}"
        yield trouble_of(process, "session-held", text, "its journal keeps everything")
    if report.state == "disk_full":
        text = f"the writer has no room to flush: {report.flush_error}"
        remedy = "make room on the disk of [state] path"
        yield trouble_of(process, "writer-disk-full", text, remedy)
    elif report.flush_error:
        text = f"the writer cannot flush: {report.flush_error}"
        yield trouble_of(process, "flush-failing", text, "the writer keeps trying")


def _of_clock(health: Health) -> Iterator[Trouble]:
    """Yield one trouble if rows may have wrong times; a simulated exchange shares our clock."""
    reports = [p.ingest for p in health.processes if p.is_reporting and p.ingest]
    wrong = [r for r in reports if r.clock_synchronised is False and not r.is_on_loopback]
    if wrong:
        text = "the kernel reports that nothing synchronises the clock"
        if wrong[0].clock_error_s_max is not None:
            text += f": it may be off by {wrong[0].clock_error_s_max:.3g} s or more"
        remedy = "start chrony (with rtcsync) or systemd-timesyncd; check with: timedatectl"
        yield Trouble(code="clock-unsynchronised", text=text, remedy=remedy)
