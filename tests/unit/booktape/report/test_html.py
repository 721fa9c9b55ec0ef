import pytest

from booktape.report.html import (
    format_amount,
    format_bps,
    format_clock,
    format_count,
    format_rate,
    format_share,
    format_time,
    make_mark,
    make_table,
)

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def test_a_table_has_its_head_and_rows() -> None:
    table = make_table(("a<b", "n"), [("x", "1,000"), ("y", DASH)])
    assert "<th scope=col>a&lt;b</th><th class=number scope=col>n</th>" in table
    assert "<tr><td>x</td><td class=number>1,000</td></tr>" in table
    assert 3 == table.count("<tr>")
    assert table.startswith('<div class=scroll role=region tabindex=0 aria-label="a&lt;b">')
    assert "<tbody></tbody>" in make_table(("a",), [])


def test_a_date_is_no_number() -> None:
    assert "<td>2026-11-22</td>" in make_table(("day",), [("2026-11-22",)])


def test_a_condition_is_escaped() -> None:
    assert '<span class="mark &lt;">&lt;</span>' == make_mark("<")


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, DASH), (1.0, "100 %"), (0.999999999, "99.999 %"), (0.5, "50.000 %"), (0.0, "0.000 %")],
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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.0123456, "0.0123"),
        (3.14159, "3.14"),
        (98_765.4, "98,765"),
        (1e-12, "0.00000000"),
    ],
)
def test_a_rate_has_as_many_digits_as_tell_it_apart(value: float, text: str) -> None:
    assert text == format_rate(value)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, DASH),
        (0.25, "0.250"),
        (999.0, "999"),
        (12_345.0, "12.3 k"),
        (5.26e6, "5.26 M"),
        (7.5e12, "7,500 bn"),
    ],
)
def test_a_large_amount_is_short(amount: float | None, text: str) -> None:
    assert text == format_amount(amount)


@pytest.mark.parametrize(
    ("value", "text"), [(None, DASH), (12.34, "+12.3"), (-1234.0, f"{MINUS}1,234.0"), (0.0, "+0.0")]
)
def test_basis_points_have_a_sign(value: float | None, text: str) -> None:
    assert text == format_bps(value)
