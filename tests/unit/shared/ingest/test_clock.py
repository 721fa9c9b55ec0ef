"""A clock that somebody sets beneath a recording."""

import pytest

from shared.event import FeedEvent, feed_event
from shared.ingest.clock import CLOCK_STEP_NS, ClockWatch
from tests.support.toys import SECOND


class World:
    """A machine whose clock does what a test wants."""

    def __init__(self) -> None:
        self.ns = 1_795_356_000 * SECOND
        self.steady_s = 77.0
        self.clock = ClockWatch(clock_ns=lambda: self.ns, steady_s=lambda: self.steady_s)

    def look(self, *, step_ns: int = 0) -> FeedEvent | None:
        """Look a second later."""
        self.steady_s += 1.0
        self.ns += SECOND + step_ns
        return self.clock.look()


@pytest.mark.parametrize("step_ns", [CLOCK_STEP_NS + 1, -CLOCK_STEP_NS - 1])
def test_a_clock_that_was_set_is_told_once(step_ns: int) -> None:
    world = World()
    assert world.look() is None
    assert feed_event("clock_step", step_s=step_ns / 1e9) == world.look(step_ns=step_ns)
    assert world.look() is None


def test_a_clock_that_went_back_is_known_until_the_next_look() -> None:
    world = World()
    found = []
    for step_s in (0, -3600, 0, 3600):
        world.look(step_ns=step_s * SECOND)
        found.append(world.clock.has_gone_back)
    assert [False, True, False, False] == found


def test_a_clock_that_is_slewed_is_not_told() -> None:
    world = World()
    for _ in range(10):
        assert world.look(step_ns=CLOCK_STEP_NS // 1000) is None
