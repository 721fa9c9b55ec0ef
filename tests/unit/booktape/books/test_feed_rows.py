from pathlib import Path

from booktape.books.feed_rows import FeedRow, make_rows, read_feed
from tests.support.hand_tape import BTC, A, HandTape, at, feed


def test_rows_come_by_their_numbers_and_those_that_matter_are_kept(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, feed(0, "session_start"), feed(1, "gap", BTC, channel="book"), feed(2, "audit"))
    ledger, segments, _ = tape.reading()
    (flush,) = ledger.day("bitvavo", "2026-11-22")
    rows = read_feed(segments.open(flush, "feed_events"))
    assert FeedRow(at(1), BTC, 1, "gap", '{"channel":"book"}') == rows[1]
    assert ["session_start", "gap", "audit"] == [row.kind for row in rows]
    assert [(0, None), (1, "book")] == [(row.number, row.detail.channel) for row in make_rows(rows)]
