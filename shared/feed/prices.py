"""Keeps each of an event's prices once, because the rows of an event have no order."""

from typing import TypeVar

from msgspec.structs import replace

from booktape.ladder import Level
from shared.event import Delta, Snapshot

_BookEvent = TypeVar("_BookEvent", Snapshot, Delta)


def keep_last(event: _BookEvent) -> _BookEvent:
    """Return the event with each price of a side once: what it says of that price last."""
    bids, asks = event.bids, event.asks
    # As good as always, and looked at with each change: by no call where one level is all.
    if (len(bids) < 2 or len(dict(bids)) == len(bids)) and (  # noqa: PLR2004
        len(asks) < 2 or len(dict(asks)) == len(asks)  # noqa: PLR2004
    ):
        return event
    return replace(event, bids=_last_of_each(bids), asks=_last_of_each(asks))


def _last_of_each(levels: list[Level]) -> list[Level]:
    return list(dict(levels).items())
