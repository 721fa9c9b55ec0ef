"""Makes the rows of an audit: its result, and the first level that differed."""

from typing import Final, Literal

from booktape.ladder import Comparison
from shared.event import FeedEvent, feed_event

Cause = Literal["interval", "edge", "ticker", "crossed", "status"]

# Reasons to doubt a book whose audit fails.
AHEAD: Final = "the exchange's book is ahead, and no change of it comes"
TICKERS_DISAGREE: Final = "tickers disagree with the book, and no audit can be had"


def audit_event(
    cause: Cause, found: Comparison, ticker: tuple[int, int], sequence: int | None
) -> FeedEvent:
    """Return the row of an audit at this number; `ticker`: tickers agreed, tickers judged."""
    detail = feed_event(
        "audit", cause=cause, compared=found.compared, differ=found.differ, ticker=ticker
    ).detail
    return FeedEvent("audit", sequence_received=sequence, detail=detail)


def mismatch_event(found: Comparison) -> FeedEvent:
    """Return the row of a book that differs: the number of such levels, and the first of them."""
    assert found.first is not None
    return feed_event("mismatch", differ=found.differ, **found.first._asdict())
