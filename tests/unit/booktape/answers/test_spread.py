from collections.abc import Iterator

import pytest

from booktape.answers.spread import SCHEMA, Fees, spread, walk
from booktape.replay.rows import Batch, Layout
from booktape.replay.top import top
from tests.support.streams import Levels, Row, ask, begin, bid, end, make_stream, read

NO_FEES = Fees(0.0, 0.0)
VALUES = SCHEMA.names[1:]


def make(bids: Levels, asks: Levels, *later: Row, depth: int = 3) -> Iterator[Batch]:
    rows = [begin(0), *(bid(0, *level) for level in bids), *(ask(0, *level) for level in asks)]
    return top(make_stream([*rows, *later]), Layout(depth), 0, 2, every=1)


def test_without_a_gain_an_edge_is_negative_and_size_and_profit_are_nothing() -> None:
    tops = {"a": make([(99.0, 1.0)], [(101.0, 1.0)]), "b": make([(98.0, 1.0)], [(102.0, 1.0)])}
    row = read(spread(tops, Fees(0.01, 0.02), depth=3))[0]
    assert (98 * 0.98 / (101 * 1.01) - 1) * 1e4 == pytest.approx(row["a_to_b_edge_bps"])
    assert (99 * 0.99 / (102 * 1.02) - 1) * 1e4 == pytest.approx(row["b_to_a_edge_bps"])
    assert [0.0] * 4 == [
        row[f"{way}_{name}"] for way in ("a_to_b", "b_to_a") for name in ("size", "profit")
    ]
    assert [1.0, 1.0, 1.0, 0.0] == [row[name] for name in VALUES[:4]]


def test_a_profit_walks_both_ladders_while_there_is_a_gain_within_the_depth() -> None:
    bids = [(110.0, 1.0), (108.0, 2.0), (100.5, 9.0), (100.2, 9.0)]
    asks = [(100.0, 2.5), (104.0, 0.25), (109.0, 9.0)]
    expected = (10.0 * 1 + 8.0 * 1.5 + 4.0 * 0.25, 2.75)
    for depth, (profit, size) in ((3, expected), (1, (10.0, 1.0))):
        tops = {
            "a": make([(90.0, 1.0)], asks, depth=4),
            "b": make(bids, [(120.0, 1.0)], depth=4),
        }
        row = read(spread(tops, NO_FEES, depth=depth))[0]
        assert (profit, size) == (row["a_to_b_profit"], row["a_to_b_size"])
        assert 1000.0 == pytest.approx(row["a_to_b_edge_bps"])
        assert 0.0 == row["b_to_a_profit"]


def test_a_walk_ends_with_either_ladder() -> None:
    assert (2.0, 2.0) == walk([(2.0, 2.0)], [(1.0, 5.0)])
    assert (2.0, 2.0) == walk([(2.0, 5.0)], [(1.0, 2.0)])
    assert (0.0, 0.0) == walk([], [(1.0, 2.0)]) == walk([(1.0, 2.0)], [(1.0, 2.0)])


def test_currencies_are_bought_and_sold_at_their_own_best_prices_with_their_fees() -> None:
    tops = {
        "a": make([(60_000.0, 1.0)], [(60_100.0, 1.0)]),
        "b": make([(3_000_000.0, 1.0)], [(3_010_000.0, 1.0)]),
        "fx_a": make([(0.90, 1.0)], [(0.92, 1.0)], depth=1),
        "fx_b": make([(45.0, 1.0)], [(46.0, 1.0)], depth=1),
    }
    fees = Fees(0.001, 0.002, 0.003, 0.004)
    row = read(spread(tops, fees, depth=3))[0]
    sell_b = 0.90 * (1 - 0.003) / (46.0 * (1 + 0.004))
    buy_b = 0.92 * (1 + 0.003) / (45.0 * (1 - 0.004))
    assert [45.5 / 0.91, sell_b, buy_b] == pytest.approx([row[name] for name in VALUES[:3]])
    middle = 3_005_000.0 / (45.5 / 0.91) / 60_050.0
    assert (middle - 1) * 1e4 == pytest.approx(row["mid_spread_bps"])
    there = 3_000_000.0 * (1 - 0.002) * sell_b / (60_100.0 * (1 + 0.001))
    back = 60_000.0 * (1 - 0.001) / (3_010_000.0 * (1 + 0.002) * buy_b)
    assert [(there - 1) * 1e4, (back - 1) * 1e4] == pytest.approx(
        [row["a_to_b_edge_bps"], row["b_to_a_edge_bps"]]
    )


@pytest.mark.parametrize("leg", ["a", "b", "fx_a", "fx_b"])
@pytest.mark.parametrize("hole", ["no bid", "no ask", "unknown"])
def test_a_row_is_null_as_a_whole_where_any_leg_is_one_sided_or_unknown(
    leg: str, hole: str
) -> None:
    change = {"no bid": bid(1, 9.0, 0.0), "no ask": ask(1, 10.0, 0.0), "unknown": end(1)}[hole]
    tops = {
        name: make([(9.0, 1.0)], [(10.0, 1.0)], *([change] if name == leg else []))
        for name in ("a", "b", "fx_a", "fx_b")
    }
    [before, after] = read(spread(tops, NO_FEES, depth=3))
    assert None not in before.values()
    assert {None} == {after[name] for name in VALUES}
    assert 1 == after["ts"]
