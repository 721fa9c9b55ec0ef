"""Bans that answers over REST tell of, on the tape."""

from shared.event import Row, feed_event
from shared.ingest.bans import Bans


def test_a_ban_is_a_row_of_its_time() -> None:
    rows: list[Row] = []
    Bans(rows.extend, lambda: 7).note_ban(900.0, "GET /markets was answered 429")
    event = feed_event("rate_limited", wait_s=900.0, reason="GET /markets was answered 429")
    assert [(7, None, event)] == rows
