import pytest

from booktape.report.html import (
    format_clock,
    format_count,
    format_share,
    format_time,
    make_mark,
    make_table,
)


def test_a_table_has_its_head_and_rows() -> None:
    table = make_table(("a<b", "n"), [("x", "1,000"), ("y", "-")])
    assert "<th>a&lt;b</th>" in table
    assert "<tr><td>x</td><td class=number>1,000</td></tr>" in table
    assert 3 == table.count("<tr>")


def test_a_condition_is_escaped() -> None:
    assert '<span class="mark &lt;">&lt;</span>' == make_mark("<")


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "-"), (1.0, "100 %"), (0.999999999, "99.999 %"), (0.5, "50.000 %"), (0.0, "0.000 %")],
)
def test_a_share_is_100_only_where_it_is(share: float | None, text: str) -> None:
    assert text == format_share(share)


@pytest.mark.parametrize(
    ("us", "text"),
    [(1_500, "2 ms"), (999_000, "999 ms"), (90_000_000, "1.5 min"), (7_200_000_000, "2.0 h")],
)
def test_a_time_is_in_a_unit_that_fits(us: int, text: str) -> None:
    assert text == format_time(us)


def test_numbers_and_clocks() -> None:
    assert "1,234,567" == format_count(1_234_567)
    assert "12:00:01.250" == format_clock(86_400_000_000 * 3 + 43_201_250_999)
