import re

import pytest

from booktape.report.svg import (
    find_bounds,
    find_ticks,
    make_axis,
    make_grid,
    make_line,
    make_rects,
    make_svg,
    place,
)
from booktape.times import DAY_US, SECOND_US
from tests.support.day_certificates import START

NOON = START + DAY_US // 2


def test_both_ends_of_a_span_are_both_edges() -> None:
    assert [0.0, 720.0, 1440.0] == [place(ts, (10, 20)) for ts in (10, 15, 20)]
    assert 0.0 == place(10, (10, 10))


def test_a_null_breaks_a_line() -> None:
    line = make_line([0, 1, 2, 3, 4], [0.0, 1.0, None, 1.0, None], (0, 4), (0.0, 1.0))
    assert "M0 100h0L0 100 360 0M1080 0h0L1080 0" == line
    assert "" == make_line([0], [None], (0, 1), (0.0, 1.0))


def test_a_line_of_one_value_has_a_height() -> None:
    assert "M0 100h0L0 100" == make_line([0], [7.0], (0, 1), (7.0, 7.0))


def test_rectangles_are_one_path() -> None:
    assert "M0 0h720v10h-720zM1080 0h360v10h-360z" == make_rects([(0, 2), (3, 4)], (0, 4))


def test_a_picture_has_a_name_or_is_hidden() -> None:
    assert 'role="img" aria-label="x"' in make_svg("", name="x")
    assert 'aria-hidden="true" class=spark>' in make_svg("", attributes=" class=spark")


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        (4, ["12:00:00", "12:00:01", "12:00:02", "12:00:03", "12:00:04"]),
        (300, ["12:00", "12:01", "12:02", "12:03", "12:04", "12:05"]),
        (43_200, ["12:00", "14:00", "16:00", "18:00", "20:00", "22:00", "24:00"]),
        (4 * 86_400, ["11-23", "11-24", "11-25", "11-26"]),
    ],
)
def test_marks_stand_at_round_times(seconds: int, texts: list[str]) -> None:
    span = NOON, NOON + seconds * SECOND_US
    ticks = find_ticks(span)
    assert texts == [text for _, text in ticks]
    assert len(texts) == make_grid(span).count("<i ") == make_axis(span).count("<i ")
    assert all(0 <= at <= 100 for at, _ in ticks)


def test_the_first_mark_stands_at_the_first_round_time() -> None:
    span = NOON - 30 * SECOND_US, NOON + 270 * SECOND_US
    assert '<i style="left:10.00%">12:00</i>' in make_axis(span)
    assert ["10.00", "30.00", "50.00", "70.00", "90.00"] == re.findall(
        "left:(.*?)%", make_grid(span)
    )


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ([[1.0, 9.0], [None, 4.0]], (1.0, 9.0)),
        ([[-170.2, 167.8]], (-200.0, 200.0)),
        ([[5.0]], (5.0, 5.0)),
        ([[None]], (0.0, 1.0)),
    ],
)
def test_bounds_are_round(values: list[list[float | None]], bounds: tuple[float, float]) -> None:
    assert bounds == pytest.approx(find_bounds(values))


def test_bounds_can_hold_zero() -> None:
    low, high = find_bounds([[40.0, 60.0]], with_zero=True)
    assert 0.0 == low
    assert high >= 60.0
