"""Keeps each of an event's prices once, because the rows of an event have no order."""

from typing import TypeVar

from msgspec.structs import replace

from booktape.ladder import Level
from shared.event import Delta, Snapshot

_BookEvent = TypeVar("_BookEvent", Snapshot, Delta)


def keep_last(event: _BookEvent) -> _BookEvent:
    """Return the event with each price of a side once, at the last size that it names."""
    bids, asks = event.bids, event.asks
    if not has_twice(bids) and not has_twice(asks):
        return event
    return replace(event, bids=_last_of_each(bids), asks=_last_of_each(asks))


def has_twice(levels: list[Level]) -> bool:
    """Return whether a price occurs twice; for few levels by comparing, which is cheapest."""
    count = len(levels)
    if count == 2:  # noqa: PLR2004
        (a, _), (b, _) = levels
        return a == b
    if count == 3:  # noqa: PLR2004
        (a, _), (b, _), (c, _) = levels
        return a == b or a == c or b == c  # noqa: PLR1714 (to make a tuple takes longer)
    if count == 4:  # noqa: PLR2004
        (a, _), (b, _), (c, _), (d, _) = levels
        return a == b or a == c or a == d or b == c or b == d or c == d  # noqa: PLR1714
    return count > 1 and len(dict(levels)) != count


def _last_of_each(levels: list[Level]) -> list[Level]:
    return list(dict(levels).items())
