import datetime as dt

import pytest

from booktape.times import date_of_ts, parse_every, parse_moment, parse_range, to_datetime, to_text

NOON = 1_795_348_800_000_000
ANKARA = dt.timezone(dt.timedelta(hours=3))


@pytest.mark.parametrize(
    "moment",
    [
        NOON,
        "2026-11-22T12:00:00Z",
        "2026-11-22T12:00:00",
        "2026-11-22 15:00+03:00",
        dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC),
        dt.datetime(2026, 11, 22, 15, tzinfo=ANKARA),
    ],
)
def test_one_moment_is_written_in_many_ways(moment: object) -> None:
    assert NOON == parse_moment(moment)


def test_a_date_is_its_midnight() -> None:
    midnight = NOON - 12 * 3_600_000_000
    assert midnight == parse_moment(dt.date(2026, 11, 22))
    assert midnight == parse_moment("2026-11-22")


def test_a_naive_datetime_is_told_the_line_to_write() -> None:
    line = r"datetime\(2026, 11, 2, 9, 5, 0, tzinfo=timezone.utc\)"
    with pytest.raises(ValueError, match=line):
        parse_moment(dt.datetime(2026, 11, 2, 9, 5))  # noqa: DTZ001 (that is the fault)


@pytest.mark.parametrize("moment", [True, 1.5, None, "noon", "", 1 << 62, -(1 << 62)])
def test_what_is_no_moment_is_refused(moment: object) -> None:
    with pytest.raises(ValueError, match="no time"):
        parse_moment(moment)


def test_a_range_without_bounds_is_the_tapes() -> None:
    assert (1, 2) == parse_range(None, None, bounds=(1, 2))
    assert (5, 7) == parse_range(5, 7, bounds=(1, 2))


@pytest.mark.parametrize(
    ("every", "us"),
    [
        ("7us", 7),
        ("100ms", 100_000),
        ("1s", 1_000_000),
        ("1m", 60_000_000),
        ("2h", 7_200_000_000),
        ("1d", 86_400_000_000),
        (dt.timedelta(seconds=1.5), 1_500_000),
    ],
)
def test_an_interval_is_a_whole_number_of_microseconds(every: object, us: int) -> None:
    assert us == parse_every(every)


@pytest.mark.parametrize(
    "every",
    ["0s", "1.5s", "s", "1w", "", None, 5, dt.timedelta(0), dt.timedelta(-1), "9" * 30 + "s"],
)
def test_what_is_no_interval_is_refused(every: object) -> None:
    with pytest.raises(ValueError, match="no interval"):
        parse_every(every)


def test_moments_are_shown_as_they_can_be_written() -> None:
    assert "2026-11-22T12:00:00Z" == to_text(NOON)
    assert NOON == parse_moment(to_text(NOON))
    assert dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC) == to_datetime(NOON)
    assert ("2026-11-22", "2026-11-21") == (date_of_ts(NOON), date_of_ts(NOON - 43_200_000_001))
    assert ("0001-01-01", "9999-12-31") == (date_of_ts(-(1 << 62)), date_of_ts(1 << 62))
