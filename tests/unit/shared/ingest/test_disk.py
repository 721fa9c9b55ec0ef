"""A disk that others fill beneath a recording."""

import pytest

from shared.event import FeedEvent, feed_event
from shared.ingest.disk import DiskWatch

MIN_BYTES = 1000
LIVE = ["BTC-EUR", "ETH-EUR"]  # whose books a full disk ends


class World:
    """A machine whose disk has what room a test wants."""

    def __init__(self) -> None:
        self.free_bytes = 5000
        self.disk = DiskWatch(lambda: self.free_bytes, MIN_BYTES, find_live=lambda: list(LIVE))

    def is_full(self) -> bool:
        return self.disk.is_full

    def look(self, free_bytes: int) -> FeedEvent | None:
        """Look once more, with this much room."""
        self.free_bytes = free_bytes
        return self.disk.look()


@pytest.fixture
def world() -> World:
    return World()


def test_a_full_disk_is_told_once(world: World) -> None:
    assert world.look(MIN_BYTES) is None
    assert not world.is_full()
    full = feed_event("disk_full", free_bytes=MIN_BYTES - 1, min_bytes=MIN_BYTES, symbols=LIVE)
    assert full == world.look(MIN_BYTES - 1)
    assert world.is_full()
    assert world.look(0) is None
    assert 0 == world.disk.free_bytes


def test_it_is_full_no_more_when_there_is_room_and_some_to_spare(world: World) -> None:
    world.look(0)
    world.look(MIN_BYTES + MIN_BYTES // 20 - 1)
    assert world.is_full()
    assert world.look(MIN_BYTES + MIN_BYTES // 20) is None
    assert not world.is_full()
    assert world.look(0) is not None
