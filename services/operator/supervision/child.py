"""What a process owes to the one that started it: supervisord, or a handover."""

import os
import signal
import time
from collections.abc import Mapping
from threading import Thread

# supervisord looks at a status only after startsecs (1), and then starts again at once: a failed
# end is held back until the process has lived so long. See supervisor.conf.
FAILED_LIFE_S = 5.0
# Of any command, before its name: a pipe; drain when it is closed.
PARENT_OPTION = "--parent-fd"
# supervisord gives it to each of its children.
SUPERVISED_VARIABLE = "SUPERVISOR_ENABLED"


def hold_back(status: int, *, age_s: float, environment: Mapping[str, str]) -> None:
    """Wait before a failed end where supervisord would start us again in a busy loop."""
    if status == 0 or SUPERVISED_VARIABLE not in environment:
        return
    # Nothing is left to drain, so a stop need not wait.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    time.sleep(max(0.0, FAILED_LIFE_S - age_s))


class Lifeline:
    """A pipe that tells our children, by its end, that we are gone."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    @property
    def arguments(self) -> list[str]:
        """Return what a `booktape` command takes, before its own arguments, to end with us."""
        return [PARENT_OPTION, str(self._read)]

    @property
    def descriptors(self) -> tuple[int]:
        """Return what a child must inherit for it."""
        return (self._read,)

    def close(self) -> None:
        """Let go; children that still live drain."""
        os.close(self._read)
        os.close(self._write)


def end_with_parent(descriptor: int) -> None:
    """Drain this process, by TERM, when the other end of the pipe is closed.

    The parent never writes and the system closes its end however it dies; unlike a death signal
    there is no moment between our start and our asking in which that goes unseen.
    """

    def wait() -> None:
        while os.read(descriptor, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="parent", daemon=True).start()
