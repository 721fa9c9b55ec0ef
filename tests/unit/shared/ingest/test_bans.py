"""Bans that answers over REST tell of, on the tape."""

from shared.event import feed_event
from shared.ingest.bans import Bans
from shared.ingest.intake import Intake

REASON = "GET /markets was answered 429"


def test_a_ban_is_a_row_of_its_time() -> None:
    intake = Intake()
    Bans(intake, lambda: 7, is_polled=False).note_ban(900.0, REASON)
    event = feed_event("rate_limited", wait_s=900.0, reason=REASON)
    assert [(7, None, event)] == intake.take()


def test_where_books_are_polled_their_feed_records_it() -> None:
    intake = Intake()
    Bans(intake, lambda: 7, is_polled=True).note_ban(900.0, REASON)
    assert [] == intake.take()
