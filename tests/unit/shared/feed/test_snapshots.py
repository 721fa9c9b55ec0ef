"""Which snapshot is asked for, and when."""

import pytest

from shared.exchange import Cost
from shared.feed.snapshots import ANSWER_S, HALTED_RETRY_S, RETRY_S, SnapshotRequests
from tests.support.toys import make_exchange

ASKED = ["A"]


class Limit:
    """Grants everything, or makes wait."""

    def __init__(self) -> None:
        self.wait_s = 0.0
        self.costs: list[Cost] = []

    def take(self, cost: Cost) -> float:
        self.costs.append(cost)
        return self.wait_s


@pytest.fixture
def limit() -> Limit:
    return Limit()


@pytest.fixture
def requests(limit: Limit) -> SnapshotRequests:
    return SnapshotRequests(make_exchange(), limit.take)


def test_wanted_snapshots_are_asked_for_in_turn_at_the_pace_of_the_exchange(
    requests: SnapshotRequests, limit: Limit
) -> None:
    for raw_symbol in ("A", "B", "A"):
        requests.want(raw_symbol)
    assert ASKED == requests.ask(10.0)
    assert [] == requests.ask(10.1)
    assert ["B"] == requests.ask(10.21)
    assert [] == requests.ask(10.5)
    assert [Cost("points"), Cost("points")] == limit.costs


def test_one_that_was_asked_for_is_not_asked_for_twice(requests: SnapshotRequests) -> None:
    requests.want("A")
    assert not requests.is_asked("A")
    assert requests.is_pending("A")
    requests.ask(0.0)
    assert requests.is_asked("A")
    assert requests.is_pending("A")
    requests.want("A")
    assert [] == requests.ask(1.0)


def test_an_answer_settles_it(requests: SnapshotRequests) -> None:
    requests.want("A")
    requests.ask(0.0)
    requests.settle_snapshot("A")
    assert not requests.is_pending("A")
    requests.want("A")
    requests.settle_snapshot("A")
    assert [] == requests.ask(1.0)


def test_without_an_answer_it_is_asked_for_again(requests: SnapshotRequests) -> None:
    requests.want("A")
    requests.ask(0.0)
    assert [] == requests.ask(ANSWER_S)
    assert ASKED == requests.ask(ANSWER_S + 0.1)


@pytest.mark.parametrize(("is_halted", "wait_s"), [(False, RETRY_S), (True, HALTED_RETRY_S)])
def test_a_refused_one_is_asked_for_later(
    requests: SnapshotRequests, *, is_halted: bool, wait_s: float
) -> None:
    requests.want("A")
    requests.ask(0.0)
    requests.refuse("A", 1.0, is_halted=is_halted)
    requests.want("A")  # who wants it now must wait all the same
    assert requests.is_pending("A")
    assert [] == requests.ask(1.0 + wait_s - 0.1)
    assert ASKED == requests.ask(1.0 + wait_s)


def test_where_the_limit_is_used_up_it_is_not_even_looked_at_before_it_is_free(
    requests: SnapshotRequests, limit: Limit
) -> None:
    limit.wait_s = 7.0
    requests.want("A")
    assert [] == requests.ask(0.0)
    limit.wait_s = 0.0
    assert [] == requests.ask(6.9)
    assert 1 == len(limit.costs)
    assert ASKED == requests.ask(7.0)


def test_where_nothing_limits_it_no_limit_is_asked(limit: Limit) -> None:
    requests = SnapshotRequests(make_exchange(snapshot_cost=None), limit.take)
    requests.want("A")
    assert ASKED == requests.ask(0.0)
    assert [] == limit.costs


def test_a_lost_connection_forgets_every_question(requests: SnapshotRequests) -> None:
    requests.want("A")
    requests.ask(0.0)
    requests.want("B")
    requests.clear()
    assert not requests.is_pending("A")
    assert [] == requests.ask(100.0)


def test_one_that_is_woken_is_asked_for_before_its_time(requests: SnapshotRequests) -> None:
    assert not requests.wake("A")
    requests.want("A")
    requests.ask(10.0)
    assert requests.wake("A")
    assert not requests.is_refused("A")
    requests.refuse("A", 11.0, is_halted=True)
    assert requests.is_refused("A")
    assert [] == requests.ask(12.0)
    assert requests.wake("A")
    assert ASKED == requests.ask(12.5)
    requests.ask_again("A", 20.0)
    assert not requests.is_refused("A")


def test_it_is_calm_where_none_is_wanted_and_none_is_awaited(
    requests: SnapshotRequests,
) -> None:
    assert requests.is_calm()
    requests.want("A")
    assert not requests.is_calm()
    assert ["A"] == requests.ask(1.0)
    assert not requests.is_calm()
    requests.settle_snapshot("A")
    assert requests.is_calm()
