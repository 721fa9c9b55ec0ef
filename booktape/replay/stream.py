"""Defines the stream of one market: rows in the order in which a replay applies them."""

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

import pyarrow as pa

LEVEL: Final = 0  # sets the size at a price; size 0 removes the level
BEGIN: Final = 1  # a span begins, or the stream switches to it: the book is known and empty
END: Final = 2  # the book is unknown from here on
TOUCH: Final = 3  # an event without levels: it only becomes the last event

BID: Final = 0
ASK: Final = 1
NO_SIDE: Final = -1

NO_NUMBER: Final = -1  # session and event number of an END, which belongs to no event

# pyarrow makes its classes at run time.
Array: TypeAlias = pa.Array


class Batch(NamedTuple):
    """Some rows of a stream, column by column; no column holds a null.

    `ts` (int64, µs) is the time at which a row applies; it never falls, over batches too. The rows
    of one instant may go on in the next batch. `session` (int32) is a place in the stream's
    `sessions`. `price` and `size` (float64) are NaN if a row has none. `action` and `side` are
    int8. `ts_effective` (int64, µs), the start of an age, equals `ts`, except in a made snapshot:
    there it is the time of the span's last row up to the switch.
    """

    ts: Array
    action: Array
    side: Array
    price: Array
    size: Array
    session: Array
    event_number: Array  # int64; of a made snapshot: that of the span's last row up to the switch
    ts_effective: Array


class Stream(NamedTuple):
    """One market over `[start, end)`, after the rows that make its book at `start`.

    A book counts only once `ts` moves on: an engine applies all rows of an instant before it looks.
    `sessions` grows while `batches` is drawn, and has each session before a row names it.
    """

    sessions: list[str]
    batches: Iterator[Batch]
