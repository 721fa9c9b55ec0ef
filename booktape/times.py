"""Parses times as a reader writes them (moments, ranges, intervals) into µs since 1970."""

import datetime as dt
import re
from typing import Final, TypeAlias

Moment: TypeAlias = dt.datetime | dt.date | str | int
Every: TypeAlias = str | dt.timedelta

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
TS_MIN: Final = -62_135_596_800 * SECOND_US  # of the year 1
TS_MAX: Final = 253_402_300_800 * SECOND_US  # of the year 10000, which is out of range

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_EVERY: Final = re.compile(r"([0-9]+)(us|ms|s|m|h|d)", re.ASCII)
_UNITS_US: Final = {
    "us": 1,
    "ms": 1_000,
    "s": SECOND_US,
    "m": 60 * SECOND_US,
    "h": 3_600 * SECOND_US,
    "d": DAY_US,
}
_EXAMPLES: Final = '"100ms", "1s", "1m", "1h" or a timedelta'


def parse_moment(moment: object) -> int:
    """Return a moment in µs; raise ValueError if it is none, or ambiguous."""
    match moment:
        case bool():
            raise ValueError(f"{moment!r} is no time")
        case int():
            ts = moment
        case dt.datetime():
            ts = _of_datetime(moment)
        case dt.date():
            ts = (moment - _EPOCH.date()).days * DAY_US
        case str():
            ts = _of_text(moment)
        case _:
            raise ValueError(f"{moment!r} is no time: give a datetime, a date, text or µs")
    if not TS_MIN <= ts < TS_MAX:
        raise ValueError(f"{moment!r} is no time in µs since 1970")
    return ts


def parse_range(
    start: Moment | None, end: Moment | None, *, bounds: tuple[int, int]
) -> tuple[int, int]:
    """Return `[start, end)` in µs; `None` is the tape's own bound."""
    first = bounds[0] if start is None else parse_moment(start)
    last = bounds[1] if end is None else parse_moment(end)
    return first, last


def parse_every(every: object) -> int:
    """Return an interval in µs; raise ValueError unless it is a whole number above 0."""
    if isinstance(every, dt.timedelta):
        every_us = every // _MICROSECOND
    else:
        match = _EVERY.fullmatch(every) if isinstance(every, str) else None
        if match is None:
            raise ValueError(f"{every!r} is no interval: give {_EXAMPLES}")
        every_us = int(match[1]) * _UNITS_US[match[2]]
    if not 0 < every_us < TS_MAX:
        raise ValueError(f"{every!r} is no interval above 0: give {_EXAMPLES}")
    return every_us


def date_of_ts(ts: int) -> str:
    """Return the UTC date of a moment, as keys have it."""
    return to_datetime(min(max(ts, TS_MIN), TS_MAX - 1)).date().isoformat()


def to_datetime(ts: int) -> dt.datetime:
    """Return the moment as an aware datetime."""
    return _EPOCH + dt.timedelta(microseconds=ts)


def to_text(ts: int) -> str:
    """Return the moment as text that `parse_moment` reads."""
    return to_datetime(ts).isoformat().replace("+00:00", "Z")


def _of_datetime(moment: dt.datetime) -> int:
    if moment.utcoffset() is None:
        fields = f"{moment:%Y, %-m, %-d, %-H, %-M, %-S}"
        raise ValueError(
            f"{moment!r} has no time zone: write datetime({fields}, tzinfo=timezone.utc)"
        )
    return (moment - _EPOCH) // _MICROSECOND


def _of_text(text: str) -> int:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: write 2026-11-29T12:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return _of_datetime(moment)
