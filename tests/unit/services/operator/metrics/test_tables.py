"""The samples of metrics that are declared once."""

import pytest

from services.operator.metrics.exposition import Family, Sample
from services.operator.metrics.tables import Metric, Table, seconds


def test_families_come_in_the_order_of_their_declaration() -> None:
    table = Table([Metric("b", "gauge", "B."), Metric("a_total", "counter", "A.")])
    table.add("a_total", {"of": "x"}, 2)
    assert [
        Family("b", "gauge", "B.", []),
        Family("a_total", "counter", "A.", [Sample({"of": "x"}, 2)]),
    ] == list(table)


def test_what_is_not_declared_is_no_metric() -> None:
    with pytest.raises(KeyError):
        Table([]).add("a", {}, 1)


def test_never_is_0() -> None:
    assert (0.0, 1.5) == (seconds(None), seconds(1_500_000_000))
