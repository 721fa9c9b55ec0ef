"""An alarm wakes the one thread that waits for it."""

from contextlib import suppress
from threading import Lock


class Alarm:
    """Wakes the one thread that waits for it.

    An Event does that too, but runs Python code: a thread that wakes fifty times a second, with
    cold caches, would spend more time on waiting than on writing to its disk.
    """

    def __init__(self) -> None:
        """Start silent."""
        self._silence = Lock()
        self._silence.acquire()

    def ring(self) -> None:
        """End the present wait or, if nobody waits, the next one; any thread may ring."""
        with suppress(RuntimeError):  # it is already ringing
            self._silence.release()

    def wait(self, timeout_s: float) -> bool:
        """Wait until it rings, then silence it; return False if it did not ring in time."""
        return self._silence.acquire(timeout=timeout_s)
