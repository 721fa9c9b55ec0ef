"""What the parts of a feed have in common."""

from tests.support.feeds import Desk


def test_the_parts_of_a_feed_work_on_the_same_rows() -> None:
    desk = Desk()
    assert (desk.tape, desk.books) == (desk.parts.rows, desk.parts.books)
