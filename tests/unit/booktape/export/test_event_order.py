import random
from itertools import pairwise

import numpy as np

from booktape.export.event_order import EXCH_EVENT, LOCAL_EVENT, EventOrder

BOTH, LOCAL, EXCHANGE = EXCH_EVENT | LOCAL_EVENT, LOCAL_EVENT, EXCH_EVENT


def order(exchange: list[int], cuts: tuple[int, ...] = ()) -> list[tuple[int, int]]:
    """Return each row's number and what it counts for, added in parts."""
    ordering = EventOrder()
    found = []
    columns = [np.zeros(len(exchange), np.uint64), np.array(exchange), np.arange(len(exchange))]
    for begin, end in pairwise((0, *cuts, len(exchange))):
        since = min(exchange[end:]) if end < len(exchange) else None
        parts = ordering.add([column[begin:end] for column in columns], since=since)
        found += list(zip(parts[2].tolist(), parts[0].tolist(), strict=True))
    return found


def test_rows_in_order_are_as_they_are() -> None:
    assert [(0, BOTH), (1, BOTH), (2, BOTH)] == order([1, 1, 2])
    assert [] == order([])


def test_a_row_that_came_late_is_two() -> None:
    assert [(0, BOTH), (2, EXCHANGE), (1, BOTH), (2, LOCAL)] == order([1, 5, 3])


def test_a_row_waits_for_those_that_happened_before() -> None:
    ordering = EventOrder()
    events, numbers = np.zeros(2, np.uint64), np.arange(2)
    first = ordering.add([events, np.array([3, 5]), numbers], since=4)
    assert [0] == first[2].tolist()
    last = ordering.add([events[:1], np.array([4]), numbers[:1] + 2], since=None)
    assert [2, 1, 2] == last[2].tolist()


def test_each_order_is_kept_however_rows_are_cut() -> None:
    chance = random.Random(5)
    for _ in range(400):
        count = chance.randrange(1, 14)
        exchange = [chance.randrange(6) for _ in range(count)]
        cuts = tuple(sorted(chance.sample(range(count), chance.randrange(min(count, 4)))))
        found = order(exchange, cuts)
        there = [row for row, kind in found if kind & EXCH_EVENT]
        here = [row for row, kind in found if kind & LOCAL_EVENT]
        assert sorted(range(count), key=lambda row: exchange[row]) == there  # stable
        assert list(range(count)) == here
        assert order(exchange) == found
