"""The window of a book has its best levels: the exchange sends changes of no others."""

from msgspec.structs import replace

from booktape.ladder import Ladder
from shared.event import Delta


def narrow(book: Ladder, delta: Delta, window: int) -> Delta:
    """Return the delta plus the removal of each level that it pushes out of the window.

    The exchange does not send these removals, and a reader of the tape needs them.
    """
    bids, asks = book.cut_to(window)
    if not bids and not asks:
        return delta
    gone = [(price, 0.0) for price in bids], [(price, 0.0) for price in asks]
    return replace(delta, bids=[*delta.bids, *gone[0]], asks=[*delta.asks, *gone[1]])
