"""What the machine does beneath a recording."""

from typing import Any

import msgspec
import pytest

from shared.event import FeedEvent
from shared.ingest.host import CLOCK_STEP_NS, Host
from tests.support.toys import SECOND

MIN_BYTES = 1000


class World:
    """A machine whose clock and disk do what a test wants."""

    def __init__(self) -> None:
        self.free = 5000
        self.ns = 1_795_356_000 * SECOND
        self.steady_ns = 77
        self.host = Host(
            lambda: self.free,
            MIN_BYTES,
            clock_ns=lambda: self.ns,
            steady_ns=lambda: self.steady_ns,
        )

    def is_full(self) -> bool:
        return self.host.is_full

    def look(self, *, free: int | None = None, step_ns: int = 0) -> list[tuple[str, Any]]:
        """Look a second later; return what was recorded."""
        self.free = self.free if free is None else free
        self.steady_ns += SECOND
        self.ns += SECOND + step_ns
        rows = self.host.look()
        assert {(self.ns, None)} >= {(ts, symbol) for ts, symbol, _ in rows}
        events = [event for _, _, event in rows if isinstance(event, FeedEvent)]
        return [(event.kind, msgspec.json.decode(event.detail)) for event in events]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("step_ns", [CLOCK_STEP_NS + 1, -CLOCK_STEP_NS - 1])
def test_a_clock_that_was_set_is_a_row_once(world: World, step_ns: int) -> None:
    assert [] == world.look()
    assert [("clock_step", {"step_s": step_ns / 1e9})] == world.look(step_ns=step_ns)
    assert [] == world.look()


def test_a_clock_that_is_slewed_is_none(world: World) -> None:
    for _ in range(10):
        assert [] == world.look(step_ns=CLOCK_STEP_NS // 1000)


def test_a_full_disk_is_a_row_once(world: World) -> None:
    assert [] == world.look(free=MIN_BYTES)
    assert not world.is_full()
    full = {"free_bytes": MIN_BYTES - 1, "min_bytes": MIN_BYTES}
    assert [("disk_full", full)] == world.look(free=MIN_BYTES - 1)
    assert world.is_full()
    assert [] == world.look(free=0)
    assert 0 == world.host.free


def test_it_is_full_no_more_when_there_is_room_and_some_to_spare(world: World) -> None:
    world.look(free=0)
    world.look(free=MIN_BYTES + MIN_BYTES // 20 - 1)
    assert world.is_full()
    assert [] == world.look(free=MIN_BYTES + MIN_BYTES // 20)
    assert not world.is_full()
    assert ["disk_full"] == [kind for kind, _ in world.look(free=0)]
