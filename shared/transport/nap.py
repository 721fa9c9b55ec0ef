"""A nap of a thread that reads several sockets, between two rounds over them.

If messages come fast, the nap lasts the interval; else until the next message of any socket.
"""

import select
import time
from collections.abc import Callable, Iterable
from threading import Event
from typing import Final

from shared.transport.pace import Pace

LOOK_S: Final = 0.1  # the longest nap while no message comes
ADDED_LOOK_S: Final = 1.0  # the longest nap without a connection: a new socket would wait for it


class Naps:
    """Takes naps by the rate of messages; the reader's thread owns it."""

    def __init__(
        self,
        interval_s: float,
        steady_s: Callable[[], float],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Begin as if few came; `sleep` costs half the CPU of a wait that can be interrupted."""
        self._interval_s = interval_s
        self._steady_s = steady_s
        self._sleep = sleep
        self._pace = Pace(interval_s)
        self._received = 0

    def take(
        self, descriptors: Iterable[int], wait_s: float, stop: Event, *, received: int
    ) -> set[int]:
        """Wait until the next round, which is due in `wait_s` at the latest.

        `descriptors` are those of the sockets that may read; return those that have bytes to read.
        `received` counts all messages so far.
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
            return set()
        if self._pace.is_batched:
            self._sleep(self._interval_s)
            return {descriptor for descriptor, _ in poll.poll(0)}
        return {descriptor for descriptor, _ in poll.poll((wait_s or LOOK_S) * 1000)}
