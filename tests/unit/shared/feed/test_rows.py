"""Rows on their way to the recorder."""

from shared.event import Row
from shared.feed.rows import FeedRows
from tests.support.toys import trade


def test_what_was_appended_is_taken_once_in_its_order() -> None:
    rows = FeedRows()
    appended: list[Row] = [(number, "BTC-EUR", trade(number)) for number in range(3)]
    for row in appended:
        rows.append(row)
    assert appended == rows.take()
    assert [] == rows.take()


def test_what_is_appended_later_is_not_in_what_was_taken() -> None:
    rows = FeedRows()
    taken = rows.take()
    rows.append((1, None, trade(1)))
    assert [] == taken
    assert 1 == len(rows.take())
