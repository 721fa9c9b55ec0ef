import json
import re

import pyarrow as pa

from booktape.report.chart import COLUMNS, POINTS_MAX, Premium, make_chart, read_premium, thin


def make_batch(values: list[float | None]) -> pa.RecordBatch:
    ts = pa.array(range(len(values)), pa.timestamp("us", tz="UTC"))
    columns = {name: pa.array(values, pa.float64()) for name in COLUMNS}
    return pa.record_batch({"ts": ts, **columns})


def test_what_is_known_is_read_with_an_edge_on_both_sides() -> None:
    values = [None, None, 1.0, None, 2.0, None, None]
    found = read_premium("a", "b", [make_batch(values)])
    assert ([1, 2, 3, 4, 5], [None, 1.0, None, 2.0, None]) == (found.ts, found.columns[0])
    assert [None, None] == read_premium("a", "b", [make_batch([None, None])]).columns[0]


def test_few_points_are_left_with_every_peak_and_every_gap() -> None:
    values: list[float | None] = [float(n % 7) for n in range(100_000)]
    values[40_000] = 1000.0
    values[70_000] = None
    kept = thin([values])
    assert len(kept) <= POINTS_MAX
    assert {40_000, 70_000} <= set(kept)
    assert sorted(kept) == kept
    assert list(range(50)) == thin([values[:50]])


def test_a_chart_has_its_points_and_asks_nobody() -> None:
    page = make_chart(Premium("<a>", "b", [1_000_000, 2_000_000], [[1.234, None]] * 3))
    assert "&lt;a&gt;" in page
    [data] = re.findall(r"const data = (\[.*?\]), names", page)
    assert [[1.0, 2.0], [1.23, None], [1.23, None], [1.23, None]] == json.loads(data)
    assert "1 of 2 points are known" in page
    assert "src=" not in page
