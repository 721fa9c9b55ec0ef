"""Events of our own."""

from shared.event import FeedEvent, feed_event


def test_the_details_of_a_feed_event_are_a_json_object() -> None:
    event = feed_event("gap", channel="trades", first=None, count=2)
    assert FeedEvent("gap", detail='{"channel":"trades","first":null,"count":2}') == event
    assert "{}" == feed_event("session_start").detail
