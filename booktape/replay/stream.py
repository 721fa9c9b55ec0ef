"""Defines the stream of one market: rows in the order in which a replay applies them."""

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

import pyarrow as pa

LEVEL: Final = 0  # sets the size at a price; size 0 removes the level
BEGIN: Final = 1  # a span begins here, or is switched to: the book is known and empty
END: Final = 2  # the book is unknown from here on
TOUCH: Final = 3  # an event without levels: it changes nothing, and is the last one seen

BID: Final = 0
ASK: Final = 1
NO_SIDE: Final = -1

NO_NUMBER: Final = -1  # session and event number of an END, which is no event's row

# pyarrow makes its classes at run time.
Array: TypeAlias = pa.Array


class Batch(NamedTuple):
    """Some rows of a stream, column by column; none of the columns holds a null.

    `ts` (int64, µs) is when a row is applied and never falls, over batches too; the rows of one
    instant may go on in the next batch. `session` (int32) is a place in the stream's `sessions`.
    `price` and `size` (float64) are NaN where a row has none. `action` and `side` are int8.
    `ts_effective` (int64, µs) is the row's own effective time, from which an age is counted: it is
    `ts` but in a made snapshot, where it is that of the span's last row up to the switch.
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
    """One market over `[start, end)`; what is needed to know the book at `start` comes first.

    A book counts only once `ts` moves on: all rows of an instant are applied before anybody looks.
    `sessions` grows while `batches` is drawn, and holds each session before a row names it.
    """

    sessions: list[str]
    batches: Iterator[Batch]
