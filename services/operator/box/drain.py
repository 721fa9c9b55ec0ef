"""Drains a box: the feeds end, the writer flushes, the uploader empties the spool."""

import time
from pathlib import Path

from services.operator.box.releases import SwitchError
from services.operator.commands.up import say
from services.operator.health.health import gather
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor
from shared.process.state import WRITER

DRAIN_S = 1800.0
LOOK_S = 0.5


def drain(state: Path, *, seconds: float = DRAIN_S) -> None:
    """End every feed, then wait until the store has every event; raise after `seconds`."""
    supervisor = Supervisor(socket_path(state))
    for name in supervisor.programs():
        if name != WRITER:
            supervisor.stop(name)
    supervisor.restart(WRITER)  # its end flushes what it holds
    end_s = time.monotonic() + seconds
    while not is_empty(state, supervisor):
        if time.monotonic() > end_s:
            raise SwitchError(f"not drained within {seconds:g} s; see booktape status")
        time.sleep(LOOK_S)
    supervisor.stop(WRITER)
    say("drained: all of it is in the store")


def is_empty(state: Path, supervisor: Supervisor) -> bool:
    """Return whether the store has everything that the state folder holds."""
    health = gather(state, supervisor, now_ns=time.time_ns())
    waiting = [journal.session for journal in health.journals if not journal.is_delivered]
    return not (waiting or health.spool_flushes or health.conflicts)
