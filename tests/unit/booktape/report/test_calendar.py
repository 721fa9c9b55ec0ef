import pytest

from booktape.report.calendar import ROWS_MAX, find_grade, make_calendar, make_grades
from booktape.report.facts import DayFacts
from tests.support.day_certificates import make_day, make_symbol

DATES = ("2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25")


def test_each_market_is_a_row_and_each_day_a_cell() -> None:
    whole = make_symbol("<W>", gaps=[], known_us=3600 * 1_000_000)
    days = [make_day(whole, make_symbol(), date=date) for date in DATES[:3]]
    text = make_calendar([*days, DayFacts("bitvavo", DATES[3], "missing", None)])
    assert f'data-dates="{",".join(DATES)}"' in text
    # The worst comes first.
    assert text.index(">BTC-EUR<") < text.index(">&lt;W&gt;<")
    assert ' data-shares="99.72,99.72,99.72,"' in text
    assert ' data-shares="100,100,100,"' in text
    assert "<path class=grade-whole" in text
    assert "<path class=grade-none" in text


def test_rows_that_lost_least_are_for_who_asks() -> None:
    symbols = [make_symbol(f"S{n}") for n in range(ROWS_MAX + 3)]
    text = make_calendar([make_day(*symbols)])
    assert "3 more that lost less" in text


@pytest.mark.parametrize(
    ("share", "grade"),
    [(1.0, "whole"), (0.9995, "known"), (0.995, "lower"), (0.5, "low"), (None, "none")],
)
def test_a_share_has_a_colour(share: float | None, grade: str) -> None:
    assert grade == find_grade(share)
    assert f"grade-{grade}" in make_grades()
