"""A disk that others fill beneath a recording."""

from threading import Event
from typing import Any

import msgspec
import pytest

from shared.event import FeedEvent
from shared.ingest.disk import DiskWatch
from tests.support.toys import SECOND, Tape

MIN_BYTES = 1000
TS = 1_795_356_000 * SECOND


class World:
    """A machine whose disk has what room a test wants."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.pause = Event()
        self.free_bytes = 5000
        self.disk = DiskWatch(
            lambda: self.free_bytes,
            MIN_BYTES,
            record=self.tape.record,
            pause=self.pause,
            clock_ns=lambda: TS,
        )

    def look(self, free_bytes: int) -> list[tuple[str, Any]]:
        """Look once more; return what was recorded."""
        self.free_bytes = free_bytes
        self.tape.rows.clear()
        self.disk.look()
        assert {(TS, None)} >= {(ts, symbol) for ts, symbol, _ in self.tape.rows}
        return [(e.kind, msgspec.json.decode(e.detail)) for e in self.tape.events(FeedEvent)]


@pytest.fixture
def world() -> World:
    return World()


def test_a_full_disk_is_a_row_once_and_pauses_the_feeds(world: World) -> None:
    assert [] == world.look(MIN_BYTES)
    assert not world.pause.is_set()
    full = {"free_bytes": MIN_BYTES - 1, "min_bytes": MIN_BYTES}
    assert [("disk_full", full)] == world.look(MIN_BYTES - 1)
    assert world.pause.is_set()
    assert [] == world.look(0)
    assert 0 == world.disk.free_bytes


def test_the_feeds_go_on_when_there_is_room_and_some_to_spare(world: World) -> None:
    world.look(0)
    world.look(MIN_BYTES + MIN_BYTES // 20 - 1)
    assert world.pause.is_set()
    assert [] == world.look(MIN_BYTES + MIN_BYTES // 20)
    assert not world.pause.is_set()
    assert ["disk_full"] == [kind for kind, _ in world.look(0)]
