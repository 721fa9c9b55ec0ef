"""What lies between a reader and the recorder."""

from threading import Thread

import pytest

from shared.transport import inbox as module
from shared.transport.inbox import MESSAGES_EAGER, Inbox, Over, SocketRead

WAIT_S = 10.0


def batch(number: int, count: int = 1, size: int = 1) -> SocketRead:
    return SocketRead(number, float(number), [b"x"] * count, count, size)


class World:
    """An inbox, and what it announced."""

    def __init__(self) -> None:
        self.announced: list[int] = []
        self.inbox = Inbox(self.announced.append)


@pytest.fixture
def world() -> World:
    return World()


def test_what_arrives_is_taken_in_its_order_and_counted_by_messages(world: World) -> None:
    world.inbox.append(batch(1, 3, 30))
    world.inbox.append(Over(7))
    assert 4 == world.inbox.backlog
    assert batch(1, 3, 30) == world.inbox.take()
    assert 1 == world.inbox.backlog
    assert Over(7) == world.inbox.take()
    assert world.inbox.take() is None
    assert 0 == world.inbox.backlog


def test_the_first_is_announced_and_what_is_too_much_to_wait(world: World) -> None:
    for count in (1, 1, MESSAGES_EAGER - 3, 1, 1):
        world.inbox.append(batch(1, count))
    assert [1, MESSAGES_EAGER, MESSAGES_EAGER + 1] == world.announced
    while world.inbox.take():
        pass
    world.inbox.append(batch(1))
    assert 1 == world.announced[-1]


def test_it_is_full_until_enough_was_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG_BYTES_MAX", 10)
    world.inbox.append(batch(1, 1, 6))
    world.inbox.append(batch(2, 1, 4))
    fullness = [world.inbox.is_full]
    world.inbox.append(batch(3, 1, 1))
    fullness.append(world.inbox.is_full)
    world.inbox.take()
    assert [False, True, False] == [*fullness, world.inbox.is_full]
    assert 11 == world.inbox.received_bytes


def test_small_messages_fill_it_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG_MAX", 2)
    world.inbox.append(Over(1))
    world.inbox.append(batch(2))
    fullness = [world.inbox.is_full]
    world.inbox.append(batch(3))
    assert [False, True] == [*fullness, world.inbox.is_full]


def test_two_threads_may_use_it_at_once(world: World) -> None:
    def append() -> None:
        for number in range(50_000):
            world.inbox.append(batch(number, 2, 5))

    thread = Thread(target=append)
    thread.start()
    taken: list[int] = []
    while len(taken) < 50_000:
        assert world.inbox.backlog >= 0
        if found := world.inbox.take():
            assert isinstance(found, SocketRead)
            taken.append(found.ts)
    thread.join(WAIT_S)
    assert list(range(50_000)) == taken
    assert (0, False) == (world.inbox.backlog, world.inbox.is_full)
