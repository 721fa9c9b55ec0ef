"""What came of the chores of a feed."""

from shared.errors import Stale
from shared.feed.chores import Chores


def test_chores_that_are_done_ask_for_no_new_connection() -> None:
    assert Chores([], ["join"]).lost is None


def test_a_connection_is_lost_for_a_reason() -> None:
    lost = Stale("silent")
    assert lost is Chores([], [], lost).lost
