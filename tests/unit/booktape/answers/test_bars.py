from typing import Any

import pyarrow as pa
import pytest

from booktape.answers.bars import SCHEMA, Life, TradeGap, find_losses, make_bars
from booktape.replay.rows import ROWS_MAX, Batch
from tests.support.streams import read

Row = tuple[int, int, str | None, float, float]
TRADES: list[Row] = [
    (60, 61, "buy", 10.0, 1.0),
    (60, 99, "sell", 12.0, 2.0),
    (119, 95, None, 9.0, 4.0),
    (120, 121, "buy", 11.0, 0.5),
]


def make_trades(rows: list[Row], cut: int = 2) -> list[Batch]:
    time = pa.timestamp("us", tz="UTC")
    names = ("ts", "ts_recv", "side", "price", "size")
    types = (time, time, pa.string(), pa.float64(), pa.float64())
    columns = zip(*rows, strict=True) if rows else [()] * 5
    table = pa.table([pa.array(c, t) for c, t in zip(columns, types, strict=True)], names)
    ids = pa.array([f"t{place}" for place in range(len(rows))], pa.string())
    side = table["side"].combine_chunks().dictionary_encode()
    table = table.set_column(2, "side", side).append_column("trade_id", ids)
    sessions = pa.array(["a"] * len(rows), pa.string()).dictionary_encode()
    numbers = pa.array(range(len(rows)), pa.int64())
    table = table.append_column("session", sessions).append_column("event_number", numbers)
    return list(table.to_batches(max_chunksize=cut))


def show(start: int, end: int, losses: list[tuple[int, int]], every: int = 60) -> Any:
    rows = read(make_bars(make_trades(TRADES), start, end, every=every, losses=losses))
    return [tuple(row.values()) for row in rows]


def test_a_bar_has_the_trades_from_its_time_up_to_the_next() -> None:
    [zero, one, two] = read(make_bars(make_trades(TRADES), 0, 180, every=60, losses=[]))
    assert {
        "open": 10.0, "high": 12.0, "low": 9.0, "close": 9.0,
        "volume": 7.0, "buy_volume": 1.0, "quote_volume": 70.0, "count": 3,
    } == {name: one[name] for name in SCHEMA.names[1:9]}  # fmt: skip
    assert [0, 60, 120] == [bar["ts"] for bar in (zero, one, two)]
    assert (11.0, 1) == (two["open"], two["count"])


def test_a_bar_without_trades_has_no_prices_and_sums_of_nothing() -> None:
    assert [(0, None, None, None, None, 0.0, 0.0, 0.0, 0, None, True)] == show(0, 60, [])
    assert [0, 60] == [bar["ts"] for bar in read(make_bars([], 0, 61, every=60, losses=[]))]


def test_it_is_known_when_the_last_of_its_trades_came() -> None:
    [bar] = read(make_bars(make_trades(TRADES), 60, 120, every=60, losses=[]))
    assert 99 == bar["ts_known"].timestamp() * 1e6


def test_bars_begin_at_multiples_in_the_range_and_each_is_whole() -> None:
    assert [120] == [row[0] for row in show(61, 121, [])]
    assert 1 == show(61, 121, [])[0][8]
    assert [] == show(61, 120, [])
    assert [] == show(120, 60, [])


@pytest.mark.parametrize(
    ("losses", "whole"),
    [
        ([], [True, True, True]),
        ([(50, 60)], [False, True, True]),
        ([(60, 60)], [True, False, True]),
        ([(60, 61)], [True, False, True]),
        ([(170, 900), (50, 61)], [False, False, False]),
        ([(0, 180), (5, 6)], [False, False, False]),
        ([(0, 20), (20, 60), (180, 190)], [False, True, True]),
    ],
)
def test_a_bar_is_not_whole_where_it_overlaps_a_loss(
    losses: list[tuple[int, int]], whole: list[bool]
) -> None:
    assert whole == [row[-1] for row in show(0, 180, losses)]


def test_many_bars_come_some_at_a_time() -> None:
    batches = list(make_bars([], 0, 2 * ROWS_MAX, every=1, losses=[]))
    assert [ROWS_MAX, ROWS_MAX] == [len(batch) for batch in batches]


def test_trades_are_lost_while_no_session_lived_and_no_list_reached_back() -> None:
    lives = [Life(10, 50, 10), Life(40, 100, 40), Life(150, 200, 120), Life(230, 300, 90)]
    assert [(0, 10), (300, 400)] == find_losses([], 0, 400, gaps=[], lives=lives)
    assert [(0, 10), (100, 120), (200, 400)] == find_losses([], 0, 400, gaps=[], lives=lives[:3])
    assert [] == find_losses([], 20, 90, gaps=[], lives=lives)
    assert [(0, 5)] == find_losses([], 0, 5, gaps=[], lives=lives)


def test_after_a_gap_trades_are_lost_from_the_last_known_to_the_first_after() -> None:
    lives = [Life(0, 500, 0)]
    trades = make_trades([*TRADES, (300, 301, "buy", 1.0, 1.0)])

    def find(*gap: Any) -> list[tuple[int, int]]:
        return find_losses(trades, 0, 500, gaps=[TradeGap(*gap)], lives=lives)

    assert [(119, 300)] == find("b", 7, 301, "t2", "t4")
    assert [(120, 300)] == find("b", 7, 301, "unseen", None)
    assert [(300, 500)] == find("b", 7, 400, "t4", None)
    assert [(0, 60)] == find("b", 7, 5, None, "t0")
    # Of its own session by their numbers, for a clock may go back.
    assert [(60, 119)] == find("a", 2, 301, None, None)
    assert [(120, 300)] == find("a", 4, 5, None, None)
