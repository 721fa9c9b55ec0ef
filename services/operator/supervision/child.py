"""Ends a child as its parent needs: not too soon for supervisord, together with a handover."""

import os
import signal
import time
from collections.abc import Mapping
from threading import Thread

# After startsecs (1) supervisord starts a failed program again at once, in a loop: so a process
# that fails waits with its end until it has lived so long. See supervisor.conf.
FAILED_LIFE_S = 5.0
# Every command takes this option before its name: a pipe. Once it closes, the command drains.
PARENT_OPTION = "--parent-fd"
# supervisord sets this variable for each of its children.
SUPERVISED_VARIABLE = "SUPERVISOR_ENABLED"


def hold_back(status: int, *, age_s: float, environment: Mapping[str, str]) -> None:
    """Delay a failed end, so that supervisord does not start us again in a busy loop."""
    if status == 0 or SUPERVISED_VARIABLE not in environment:
        return
    # Nothing is left to drain, so a stop need not wait.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    time.sleep(max(0.0, FAILED_LIFE_S - age_s))


class Lifeline:
    """A pipe whose end shows our children that we are gone."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    @property
    def arguments(self) -> list[str]:
        """Return the arguments that make a `booktape` command end with us; its own follow them."""
        return [PARENT_OPTION, str(self._read)]

    @property
    def descriptors(self) -> tuple[int]:
        """Return the descriptors that a child must inherit for it."""
        return (self._read,)

    def close(self) -> None:
        """Close the pipe, so that every child drains."""
        os.close(self._read)
        os.close(self._write)


def end_with_parent(descriptor: int) -> None:
    """Drain this process, by TERM, when the other end of the pipe is closed.

    The parent never writes; the system closes its end however it dies. Unlike a death signal, this
    catches even a parent that dies before we could have asked for the signal.
    """

    def wait() -> None:
        while os.read(descriptor, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="parent", daemon=True).start()
