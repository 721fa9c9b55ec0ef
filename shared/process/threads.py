"""Groups the threads of one process: those of a group end together."""

import time
from collections.abc import Callable
from threading import Event, Thread

from shared.process import log

_log = log.get(__name__)


class Threads:
    """Starts each thread with its group's stop event, and joins a group."""

    def __init__(self) -> None:
        """Start with none."""
        self._threads: list[tuple[Event, Thread]] = []

    def start(self, name: str, run: Callable[[Event], None], stop: Event) -> None:
        """Run the function in a thread until `stop` is set; any thread may start another one."""
        thread = Thread(target=run, args=[stop], name=name, daemon=True)
        self._threads.append((stop, thread))
        thread.start()

    def end(self, stop: Event, *, within_s: float) -> bool:
        """End all threads that listen to this event; return False if one does not end."""
        stop.set()
        deadline_s = time.monotonic() + within_s
        threads = [thread for listens, thread in self._threads if listens is stop]
        for thread in threads:
            thread.join(max(deadline_s - time.monotonic(), 0.0))
        alive = [thread.name for thread in threads if thread.is_alive()]
        if alive:
            _log.warning("some threads do not end", extra={"threads": ", ".join(alive)})
        return not alive
