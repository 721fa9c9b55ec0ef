import io

import pytest

from booktape.segments.ranges import Source, join_ranges, take_turns, with_magic


def test_ranges_that_nearly_touch_are_one() -> None:
    ranges = [(0, 4), (6, 4), (9, 1), (30, 5)]
    assert [(0, 10), (30, 5)] == list(join_ranges(ranges, gap_bytes_max=2))
    assert [(0, 4), (6, 4), (30, 5)] == list(join_ranges(ranges, gap_bytes_max=1))
    assert [] == list(join_ranges([]))


def test_what_follows_the_first_letters_comes_with_them() -> None:
    assert [(0, 14), (5, 10)] == list(with_magic([(4, 10), (5, 10)]))


def test_work_is_done_in_order() -> None:
    assert [b"a", b"bb"] == take_turns(
        lambda one: b"ab"[one[0] : one[0] + 1] * one[1], [(0, 1), (1, 2)]
    )


def test_a_source_has_its_ranges_and_no_other_bytes() -> None:
    source = Source(100)
    source.hold([(10, b"abcdef"), (50, b"xyz")])
    assert b"cd" == source.find(12, 2)
    assert (51, b"yz", 53) == (source.seek(51), source.read(2), source.tell())
    assert (100, 90) == (source.seek(0, io.SEEK_END), source.seek(-10, io.SEEK_CUR))
    assert (True, False) == (source.readable(), source.closed)
    source.close()
    with pytest.raises(OSError, match="no bytes from 15 to 17"):
        source.find(15, 2)
