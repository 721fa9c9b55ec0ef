"""Makes a child end as its parent wants: slowly for supervisord, with the parent for a handover."""

import os
import signal
import time
from collections.abc import Mapping
from threading import Thread

# supervisord looks at a status only after startsecs (1), then starts again at once: we hold back a
# failed end until the process has lived so long. See supervisor.conf.
FAILED_LIFE_S = 5.0
# Of any command, before its name: a pipe; drain when it is closed.
PARENT_OPTION = "--parent-fd"
# supervisord gives it to each of its children.
SUPERVISED_VARIABLE = "SUPERVISOR_ENABLED"


def hold_back(status: int, *, age_s: float, environment: Mapping[str, str]) -> None:
    """Wait before a failed end, lest supervisord start us again in a busy loop."""
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
        """Return the arguments, before a `booktape` command's own, that make it end with us."""
        return [PARENT_OPTION, str(self._read)]

    @property
    def descriptors(self) -> tuple[int]:
        """Return the descriptors that a child must inherit for it."""
        return (self._read,)

    def close(self) -> None:
        """Let go; children that still live drain."""
        os.close(self._read)
        os.close(self._write)


def end_with_parent(descriptor: int) -> None:
    """Drain this process, by TERM, when the other end of the pipe is closed.

    The parent never writes; the system closes its end however it dies. Unlike a death signal, this
    never misses a parent that dies between our start and our asking.
    """

    def wait() -> None:
        while os.read(descriptor, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="parent", daemon=True).start()
