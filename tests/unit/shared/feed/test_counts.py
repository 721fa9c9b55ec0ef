"""Counts of things whose names others choose."""

from shared.feed.counts import (
    NAME_CHARACTERS_MAX,
    NAMES_MAX,
    OTHERS,
    UNPRINTABLE,
    Counts,
    Tally,
)


def test_names_are_counted_apart_up_to_a_bound() -> None:
    tally = Tally()
    for number in range(2 * NAMES_MAX):
        tally.note(str(number))
        tally.note("0")
    assert NAMES_MAX + 1 == len(tally)
    assert 2 * NAMES_MAX + 1 == tally["0"]
    assert 1 == tally["1"]
    assert NAMES_MAX == tally[OTHERS]


def test_a_name_is_short_and_harms_no_terminal() -> None:
    tally = Tally()
    tally.note("candle" * 1000)
    tally.note("\x1b[2J")
    expected = {("candle" * 1000)[:NAME_CHARACTERS_MAX]: 1, UNPRINTABLE: 1}
    assert expected == tally


def test_a_copy_stands_still() -> None:
    counts = Counts()
    counts.unknown.note("news")
    counts.malformed += 1
    copy = counts.copy()
    counts.unknown.note("news")
    counts.malformed += 1
    assert ({"news": 1}, 1) == (copy.unknown, copy.malformed)
    copy.unknown.note("more")
    assert {"news": 2} == counts.unknown


def test_all_begins_at_zero() -> None:
    counts = Counts()
    assert {"chatter": {}, "unknown": {}, "refused": {}} == {
        name: value for name, value in vars(counts).items() if isinstance(value, Tally)
    }
    assert {0} == {value for value in vars(counts).values() if isinstance(value, int)}
