"""A nap of a thread that reads several sockets, between two turns of all of them.

Where messages come thickly, it lasts the interval; else until the next message of any socket.
"""

import select
import time
from collections.abc import Callable, Iterable
from threading import Event
from typing import Final

from shared.transport.pace import Pace

LOOK_S: Final = 0.1  # at most, while no message comes
ADDED_LOOK_S: Final = 1.0  # at most, without a connection: a socket may be added, which waits


class Naps:
    """Knows how many messages come; the reader's thread owns it."""

    def __init__(
        self,
        interval_s: float,
        steady_s: Callable[[], float],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Begin as if few came; to `sleep` costs half the CPU of a wait that can be ended."""
        self._interval_s = interval_s
        self._steady_s = steady_s
        self._sleep = sleep
        self._pace = Pace(interval_s)
        self._received = 0

    def take(
        self, descriptors: Iterable[int], wait_s: float, stop: Event, *, received: int
    ) -> None:
        """Wait until the next turn, which is worth while in `wait_s`.

        `descriptors` are those of the sockets that would be read; `received` counts all messages.
        """
        self._pace.count(received - self._received, self._steady_s())
        self._received = received
        poll = select.poll()
        are_any = False
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
            are_any = True
        if not are_any:
            stop.wait(min(max(wait_s, self._interval_s), ADDED_LOOK_S))
        elif self._pace.is_batched:
            self._sleep(self._interval_s)
        else:
            poll.poll((wait_s or LOOK_S) * 1000)
