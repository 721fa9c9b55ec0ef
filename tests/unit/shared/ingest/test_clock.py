"""A clock that somebody sets beneath a recording."""

from typing import Any

import msgspec
import pytest

from shared.event import FeedEvent
from shared.ingest.clock import CLOCK_STEP_NS, ClockWatch
from tests.support.toys import SECOND, Tape


class World:
    """A machine whose clock does what a test wants."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.ns = 1_795_356_000 * SECOND
        self.steady_ns = 77
        self.clock = ClockWatch(
            record=self.tape.record,
            clock_ns=lambda: self.ns,
            steady_ns=lambda: self.steady_ns,
        )

    def look(self, *, step_ns: int = 0) -> list[tuple[str, Any]]:
        """Look a second later; return what was recorded."""
        self.steady_ns += SECOND
        self.ns += SECOND + step_ns
        self.tape.rows.clear()
        self.clock.look()
        assert {(self.ns, None)} >= {(ts, symbol) for ts, symbol, _ in self.tape.rows}
        return [(e.kind, msgspec.json.decode(e.detail)) for e in self.tape.events(FeedEvent)]


@pytest.mark.parametrize("step_ns", [CLOCK_STEP_NS + 1, -CLOCK_STEP_NS - 1])
def test_a_clock_that_was_set_is_a_row_once(step_ns: int) -> None:
    world = World()
    assert [] == world.look()
    assert [("clock_step", {"step_s": step_ns / 1e9})] == world.look(step_ns=step_ns)
    assert [] == world.look()


def test_a_clock_that_is_slewed_is_none() -> None:
    world = World()
    for _ in range(10):
        assert [] == world.look(step_ns=CLOCK_STEP_NS // 1000)
