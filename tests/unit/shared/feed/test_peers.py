"""What the feeds of one ingest share."""

from shared.exchange import Cost
from shared.feed.peers import Peers
from tests.support.toys import make_exchange


def test_the_budgets_are_a_part_of_our_share() -> None:
    early = Peers(make_exchange(), 0.4).budgets.early
    granted = 0
    while early.has_points(Cost("points"), 0.0):
        early.spend(Cost("points"), 0.0)
        granted += 1
    assert 10 == granted
