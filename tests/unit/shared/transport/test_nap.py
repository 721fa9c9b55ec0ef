"""Naps of a reader, on real sockets."""

from socket import socketpair
from threading import Event

from typing_extensions import override

from shared.transport import nap
from shared.transport.nap import Naps
from shared.transport.pace import WINDOW_S

INTERVAL_S = 0.02


class Stop(Event):
    """Remembers the waits, and waits for none of them."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    @override
    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return False


class World:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.stop = Stop()
        self.sleeps: list[float] = []
        self.naps = Naps(INTERVAL_S, lambda: self.now_s, self.sleeps.append)

    def take(self, *descriptors: int, wait_s: float = 0.0, received: int = 0) -> set[int]:
        return self.naps.take(descriptors, wait_s, self.stop, received=received)


def test_without_a_connection_it_is_as_long_as_wanted_within_bounds() -> None:
    world = World()
    for wait_s in (0.0, 0.5, 900.0):
        assert set() == world.take(wait_s=wait_s)
    assert [INTERVAL_S, 0.5, nap.ADDED_LOOK_S] == world.stop.waits


def test_a_message_of_any_socket_ends_it() -> None:
    world = World()
    quiet, ours = socketpair()
    loud, theirs = socketpair()
    with quiet, ours, loud, theirs:
        ours.send(b"x")
        assert {quiet.fileno()} == world.take(loud.fileno(), quiet.fileno(), wait_s=3600.0)
    assert [] == world.stop.waits


def test_where_messages_come_thickly_it_lasts_the_interval_whatever_came() -> None:
    world = World()
    one, other = socketpair()
    with one, other:
        other.send(b"x")
        descriptors = one.fileno(), other.fileno()
        world.take(*descriptors)
        world.now_s += WINDOW_S
        assert {one.fileno()} == world.take(*descriptors, received=100)
        world.now_s += WINDOW_S
        world.take(*descriptors, received=110)
    assert [INTERVAL_S] == world.sleeps
    assert [] == world.stop.waits
