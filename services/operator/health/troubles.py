"""What is not well, each with what to do about it."""

from collections.abc import Iterator
from pathlib import Path

from services.operator.health.health import LINE, WRITER, Health, Process

# An exchange that cannot be reached for so long is more than a lost connection.
UNREACHABLE_S = 15.0
CONFIG_STATUS = 78
DETAIL_CHARACTERS_MAX = 300  # of what a process says; the rest is in its log


def find_troubles(health: Health) -> list[str]:
    """Return a sentence for each thing that somebody should look at, the worst first."""
    if health.supervisor_pid is None and not any(p.is_running for p in health.processes):
        return ["nothing runs; start it with: booktape up"]
    troubles: list[str] = []
    if health.conflicts:
        troubles.append(
            f"{health.conflicts} flushes differ from what the store has under their names; compare "
            f"those in {Path(health.state_path) / 'spool' / 'conflict'} with the store"
        )
    for process in health.processes:
        troubles += _of_process(process, health)
    troubles += _of_journals(health)
    return troubles


def find_unreachable(process: Process, *, now_ns: int) -> str | None:
    """Return since when and why an exchange cannot be reached, if it is long enough."""
    since = process.number("unreachable_since")
    if not since or (now_ns - since) / 1e9 < UNREACHABLE_S:
        return None
    reason = process.text("last_error")
    for_s = round((now_ns - since) / 1e9)
    return f"{process.exchange} cannot be reached for {for_s} s" + (f": {reason}" if reason else "")


def _of_process(process: Process, health: Health) -> Iterator[str]:
    if not process.is_running:
        yield _stopped(process, health)
        return
    if health.is_supervisor_lost and process.line in {LINE, None}:
        yield (
            f"the supervisord that started {process.name} is gone, and nobody would start it "
            f"again; kill {process.pid}, which drains it, then: booktape up"
        )
    elif health.supervisor_pid is not None and health.is_orphan(process):
        yield (
            f"{process.name} is process {process.pid}, which an earlier supervisord left behind; "
            f"kill {process.pid}, which drains it, and this one starts its own"
        )
    if not process.is_reporting:
        yield (
            f"{process.name} (pid {process.pid}) runs and reports nothing; if it stays so: "
            + order("restart", process.program, health)
        )
    elif process.name == WRITER:
        yield from _of_writer(process)
    else:
        yield from _of_feed(process, now_ns=health.ts)


def _stopped(process: Process, health: Health) -> str:
    log = Path(health.state_path) / "log" / f"{process.program}.log"
    if process.program_state == "EXITED" and process.program_exitstatus == CONFIG_STATUS:
        return (
            f"{process.name} found a fault in the configuration, see the end of {log}; correct it, "
            f"then: {order('start', process.program, health)}"
        )
    if process.program_state == "STOPPED":
        return f"{process.name} was stopped; {order('start', process.program, health)}"
    if process.program_state == "STARTING":
        return f"{process.name} is being started"
    if process.program_state is not None:
        return f"{process.name} does not start and is tried again for ever; see the end of {log}"
    return f"{process.name} is not running, and no supervisord runs it; booktape up"


def _of_feed(process: Process, *, now_ns: int) -> Iterator[str]:
    state = process.state
    unreachable = find_unreachable(process, now_ns=now_ns)
    if state == "disk_full":
        yield (
            f"{process.name} has closed its feed: the disk is full; make room, or lower "
            "[state] disk_free_min_bytes"
        )
    elif unreachable:
        yield f"{unreachable}; it goes on trying"
    elif state != "live":
        yield _not_live(process)
    banned_until = process.number("rate_limited_until")
    if banned_until and banned_until > now_ns:
        wait_s = round((banned_until - now_ns) / 1e9)
        yield f"{process.exchange} has refused more requests for {wait_s} s; it waits by itself"
    error = process.text("journal_error")
    if error:
        yield f"{process.name} cannot write its journal: {error}; it is tried again for ever"
    refused = process.text("refused")
    if refused:
        key = f"[exchanges.{process.exchange}] symbols"
        yield f"{process.exchange} refuses {refused}; correct {key}"


def _not_live(process: Process) -> str:
    without = process.text("waiting") or process.text("stale")
    symbols, live = process.number("symbols"), process.number("live")
    if symbols is not None and live is not None and live < symbols:
        which = f" ({without})" if without else ""
        return f"{process.name} is {process.state}: {live:g} of {symbols:g} books live{which}"
    return f"{process.name} is {process.state}; {process.text('last_error') or 'it goes on'}"


def _of_writer(process: Process) -> Iterator[str]:
    error = process.text("upload_error")
    if error:
        yield f"uploads fail and are tried again: {error}"
    held = process.text("held_sessions")
    if held:
        yield f"the writer holds back {held[:DETAIL_CHARACTERS_MAX]}; nothing of it is lost"
    if process.state == "disk_full":
        yield "the writer has no room to flush; make room on the disk of [state] path"
    elif process.text("flush_error"):
        yield f"the writer cannot flush: {process.text('flush_error')}; it is tried again for ever"


def _of_journals(health: Health) -> Iterator[str]:
    running = {p.exchange for p in health.processes if p.is_running and p.line == LINE}
    for journal in health.journals:
        # A running feed adopts it within a minute.
        is_lost = journal.owner_pid is None and not journal.is_delivered
        if is_lost and journal.exchange not in running:
            yield (
                f"nobody delivers the journal of {journal.session}; start its feed: "
                + order("start", f"ingest_{journal.exchange}", health)
            )


def order(action: str, program: str, health: Health) -> str:
    """Return the command that has supervisord do this with a program."""
    conf = f"-c {health.conf} " if health.conf else ""
    return f"supervisorctl {conf}{action} {program}"
