import random

import numpy as np

from booktape.export.event_order import BOTH, EXCHANGE, LOCAL, order_rows


def order(exchange: list[int], local: list[int]) -> list[tuple[int, int]]:
    rows, kinds = order_rows(np.array(exchange, np.int64), np.array(local, np.int64))
    return list(zip(rows.tolist(), kinds.tolist(), strict=True))


def test_rows_in_order_are_as_they_are() -> None:
    assert [(0, BOTH), (1, BOTH), (2, BOTH)] == order([1, 1, 2], [5, 6, 6])
    assert [] == order([], [])


def test_a_row_that_came_late_is_two() -> None:
    assert [(0, BOTH), (2, EXCHANGE), (1, BOTH), (2, LOCAL)] == order([1, 5, 3], [6, 7, 8])


def test_each_order_is_kept_whatever_the_times_are() -> None:
    chance = random.Random(5)
    for _ in range(300):
        count = chance.randrange(1, 12)
        exchange = [chance.randrange(6) for _ in range(count)]
        local = sorted(chance.randrange(6, 12) for _ in range(count))
        found = order(exchange, local)
        there = [row for row, kind in found if kind != LOCAL]
        here = [row for row, kind in found if kind != EXCHANGE]
        assert sorted(range(count), key=lambda row: exchange[row]) == there  # stable
        assert list(range(count)) == here
