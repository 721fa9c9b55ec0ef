from random import Random

import pytest
from typing_extensions import override

from shared.process.retry import AT_LEAST_S_MAX, Backoff


class Highest(Random):
    """Chance at its worst: always the longest wait."""

    @override
    def uniform(self, a: float, b: float) -> float:
        assert a == 0
        return b


def test_the_longest_wait_doubles_up_to_the_cap() -> None:
    backoff = Backoff(base_s=1.0, cap_s=10.0, random=Highest())
    assert [1.0, 2.0, 4.0, 8.0, 10.0, 10.0] == [backoff.next_s() for _ in range(6)]


def test_it_starts_from_the_base_again_after_a_reset() -> None:
    backoff = Backoff(base_s=1.0, cap_s=60.0, random=Highest())
    assert [1.0, 2.0] == [backoff.next_s(), backoff.next_s()]
    backoff.reset()
    assert 1.0 == backoff.next_s()


def test_waits_are_spread_from_nothing_to_the_longest() -> None:
    backoff = Backoff(base_s=8.0, cap_s=8.0, random=Random(1))
    waits = [backoff.next_s() for _ in range(200)]
    assert min(waits) < 1.0
    assert max(waits) > 7.0
    assert all(0.0 <= wait <= 8.0 for wait in waits)


def test_it_waits_at_least_what_the_other_side_asks_for_then_spreads() -> None:
    backoff = Backoff(base_s=1.0, cap_s=10.0, random=Highest())
    assert 31.0 == backoff.next_s(at_least_s=30.0)
    assert 2.0 == backoff.next_s(at_least_s=-5.0)


def test_nobody_can_make_it_wait_for_ever() -> None:
    backoff = Backoff(base_s=1.0, cap_s=10.0, random=Highest())
    assert AT_LEAST_S_MAX + 1.0 == backoff.next_s(at_least_s=1e12)


def test_thousands_of_tries_stay_at_the_cap() -> None:
    backoff = Backoff(base_s=1.0, cap_s=60.0, random=Highest())
    for _ in range(2000):
        backoff.next_s()
    assert 60.0 == backoff.next_s()


@pytest.mark.parametrize(("base_s", "cap_s"), [(0.0, 1.0), (2.0, 1.0)])
def test_a_base_of_nothing_or_above_the_cap_is_our_mistake(base_s: float, cap_s: float) -> None:
    with pytest.raises(AssertionError):
        Backoff(base_s=base_s, cap_s=cap_s, random=Random(1))
