from datetime import UTC, datetime, timedelta

import pytest

from services.certifier.passes import DaySaid, Pass, format_days, read_pass

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


def day(date: str, **said: str) -> DaySaid:
    return DaySaid("bitvavo", date, **said)


def test_what_a_pass_says_is_read() -> None:
    said = (
        b'[{"exchange":"bitvavo","date":"2026-11-29","condition":"degraded","fault":null,'
        b'"not_over":null},{"exchange":"btcturk","date":"2026-11-29","condition":null,'
        b'"fault":"damaged","not_over":null}]'
    )
    found = read_pass(1, said, "")
    assert (1, ["damaged"]) == (found.count_certified(), found.find_faults())


@pytest.mark.parametrize(
    ("complaint", "reason"),
    [("a warning\nbooktape: no bucket\n", "booktape: no bucket"), ("", "it ended with status -9")],
)
def test_a_pass_that_says_nothing_has_failed(complaint: str, reason: str) -> None:
    found = read_pass(-9, b"", complaint)
    assert ([], [reason]) == (found.days, found.find_faults())


def test_days_of_a_week_ago_are_late() -> None:
    days = [
        day("2026-11-22", condition="available"),
        day("2026-11-23", not_over="a session goes on"),
        day("2026-11-24", fault="damaged"),
        day("2026-11-22", fault="damaged"),
    ]
    assert ["bitvavo 2026-11-23", "bitvavo 2026-11-22"] == Pass(days).find_late(ns(NOON))


def test_the_next_pass_is_after_midnight_or_sooner_where_a_day_is_due() -> None:
    after = NOON + timedelta(hours=13)
    retry = NOON + timedelta(hours=1)
    today = day("2026-11-30", not_over="it goes on")
    for found, wanted in (
        (Pass([]), after),
        (Pass([today, day("2026-11-29", condition="available")]), after),
        (Pass([today, day("2026-11-29", not_over="it goes on")]), retry),
        (Pass([day("2026-11-29", fault="damaged")]), retry),
        (Pass([], "no bucket"), retry),
        (Pass([], report_fault="no space"), retry),
    ):
        assert ns(wanted) == found.find_next(ns(NOON)), found
    late = NOON + timedelta(hours=11, minutes=59)
    assert ns(late + timedelta(hours=1)) == Pass([], "no bucket").find_next(ns(late))


def test_many_days_are_told_in_few_words() -> None:
    assert "a, b" == format_days(["a", "b"])
    assert "a and 2 more" == format_days(["a", "b", "c"], 1)
