"""The command `up`: runs supervisord in the foreground until Ctrl-C, with progress in lines."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path

from booktape.errors import BooktapeError
from services.operator.commands.progress import Progress
from services.operator.commands.stopping import Stopping, catch_stop
from services.operator.health.health import Health, gather
from services.operator.health.text import format_bytes
from services.operator.supervision.programs import Programs, find_unrecorded, prepare
from services.operator.supervision.recording import Recording
from shared.process.settings import Settings
from shared.process.state import DASHBOARD, INGEST_PREFIX

LOOK_S = 1.0
DRAIN_LINE_S = 5.0
HINT = "Without a network, see booktape work with: booktape demo"

Look = Callable[[Health, float], None]  # the health, and its seconds since the start


def run(settings: Settings, environment: Mapping[str, str], *, has_dashboard: bool = True) -> int:
    """Record until told to stop; return 0 once everything has ended in order."""
    programs = prepare(settings, environment, without=find_left_out(settings, has_dashboard))
    recording = Recording(programs)
    with catch_stop() as stopping:
        recording.start()
        say_start(settings, programs)
        try:
            watch(recording, settings.state.path, stopping, Progress(say, hint=HINT).look)
        finally:
            is_drained = drain(recording, settings.state.path)
    return 0 if is_drained else 1


def find_left_out(settings: Settings, has_dashboard: bool) -> list[str]:  # noqa: FBT001 (one fact)
    """Return the programs to leave out; warn if [alerts] calls nobody without them."""
    if has_dashboard:
        return []
    alerts = settings.alerts
    if alerts.webhook_url or alerts.heartbeat_url:
        say("[alerts] is set but calls nobody: --no-dashboard leaves out the process that calls")
    return [DASHBOARD]


def say(line: str) -> None:
    """Print a line at once, also into a pipe, whether or not it has a reader."""
    try:
        print(line, flush=True)
    except OSError:  # the terminal is gone, but the recording goes on or drains
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_start(settings: Settings, programs: Programs) -> None:
    """Print the recorded symbols, and the commands that operate the recording."""
    unrecorded = say_unrecorded(settings, programs.conf)
    recorded = ", ".join(name for name in settings.exchanges if name not in unrecorded)
    say(f"booktape records {recorded} into {settings.storage.url}")
    say("  look at it:   booktape status")
    say(f"  operate it:   supervisorctl -c {programs.conf} status")
    say("  stop it:      Ctrl-C, which drains")


def say_unrecorded(settings: Settings, conf: Path) -> list[str]:
    """Return the wanted exchanges that have no program; print which program is missing."""
    wanted = [name for name, exchange in settings.exchanges.items() if exchange.enabled]
    unrecorded = find_unrecorded(conf, wanted)
    for name in unrecorded:
        program = f"[program:{INGEST_PREFIX}{name}]"
        say(f"{name} is not recorded: {conf} has no {program}; add one like another feed's")
    return unrecorded


def watch(
    recording: Recording,
    state: Path,
    stopping: Stopping,
    look: Look,
    *,
    seconds: float = inf,
) -> None:
    """Look each second until a stop signal, the end of the time, or the end of supervisord."""
    start_s = time.monotonic()
    while not stopping.is_asked and recording.is_running:
        age_s = time.monotonic() - start_s
        if age_s >= seconds:
            return
        try:
            look(gather(state, recording.supervisor, now_ns=time.time_ns()), age_s)
        except BooktapeError:  # it cannot go on
            raise
        except Exception as error:  # noqa: BLE001 (a failed look must not end the recording)
            say(f"cannot look: {type(error).__name__}: {error}")
        stopping.wait(min(LOOK_S, seconds - age_s))


def drain(recording: Recording, state: Path) -> bool:
    """Stop everything, print what is left; return whether it ended in order."""
    if not recording.is_running:
        say(recording.explain_end())
        say_left(gather(state, recording.supervisor, now_ns=time.time_ns()))
        return recording.has_ended_well
    say("draining: the feeds end their sessions, then the writer flushes and uploads")
    next_s = DRAIN_LINE_S

    def on_wait(waited_s: float) -> None:
        nonlocal next_s
        if waited_s >= next_s:
            next_s += DRAIN_LINE_S
            running = [
                p.name
                for p in gather(state, recording.supervisor, now_ns=time.time_ns()).processes
                if p.is_running
            ]
            say(f"still draining: {', '.join(running) or 'supervisord'}")

    is_drained = recording.drain(on_wait=on_wait)
    if not is_drained:
        say("supervisord does not end; booktape leaves it running")
    say_left(gather(state, recording.supervisor, now_ns=time.time_ns()))
    return is_drained


def say_left(health: Health) -> None:
    """Print which processes still run, and how much the store does not have yet."""
    if health.supervisor_pid is None:
        for process in health.processes:
            if process.is_running:
                say(f"  {process.name} goes on without it; to end it: kill {process.pid}")
    say(format_left(health))


def format_left(health: Health) -> str:
    """Describe how much the store does not have yet."""
    journals = [journal for journal in health.journals if not journal.is_delivered]
    if not journals and not health.spool_flushes:
        return "drained: all of it is in the store"
    size = sum(journal.bytes for journal in journals)
    return (
        f"left for the next start: {format_bytes(size)} in {len(journals)} journals, "
        f"{format_bytes(health.spool_bytes)} in {health.spool_flushes} flushes in the spool"
    )
