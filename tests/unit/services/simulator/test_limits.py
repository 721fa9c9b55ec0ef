from services.simulator.limits import Budget
from tests.unit.services.simulator.fakes import TS_START, FakeClock


def budget(time: FakeClock, *, block_s: float = 900) -> Budget:
    return Budget(points_max=10, period_s=60, block_s=block_s, clock_ns=time.ns)


def test_points_are_given_until_the_window_is_empty() -> None:
    points = budget(FakeClock())
    assert points.spend(7)
    assert 3 == points.points_left
    assert points.spend(3)
    assert 0 == points.points_left


def test_who_takes_too_much_is_blocked_beyond_the_window() -> None:
    time = FakeClock()
    points = budget(time)
    assert not points.spend(11)
    time.pass_time(899)
    assert not points.spend(1)
    assert 0 == points.points_left
    assert 1 == points.retry_after_s
    time.pass_time(1)
    assert points.spend(10)


def test_a_new_window_begins_at_a_whole_multiple_of_the_period() -> None:
    time = FakeClock()
    points = budget(time)
    assert points.spend(10)
    assert 0 == points.ts_reset % 60_000_000_000
    assert 0 < points.ts_reset - TS_START <= 60_000_000_000
    time.pass_time((points.ts_reset - time.ns()) / 1e9)
    assert 10 == points.points_left
