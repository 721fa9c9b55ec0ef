"""Since when no audit could be had."""

from shared.feed.counts import Counts
from shared.ingest.audit_watch import AuditWatch


def test_it_is_missing_since_the_first_that_was_not_answered_until_one_is() -> None:
    watch = AuditWatch()
    first, second = Counts(), Counts()

    def look(ts: int) -> int | None:
        return watch.look([first, second], ts)

    assert look(1) is None
    first.audits_unanswered += 1
    assert [2, 2] == [look(2), look(3)]
    second.audits_unanswered += 1
    assert look(4) == 2
    second.audits += 1
    assert look(5) is None
    assert look(6) is None
