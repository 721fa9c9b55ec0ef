"""Counts of things whose names others choose."""

from shared.feed.counts import COUNTS_MAX, Counts


def test_kinds_are_counted_apart_up_to_a_bound() -> None:
    counts = Counts(gap=1)
    for number in range(2 * COUNTS_MAX):
        counts.note("chatter", str(number))
        counts.note("chatter", "0")
    assert COUNTS_MAX + 1 == len(counts)
    assert 2 * COUNTS_MAX + 1 == counts["chatter 0"]
    assert 1 == counts["chatter 1"]
    assert COUNTS_MAX + 1 == counts["chatter"]
