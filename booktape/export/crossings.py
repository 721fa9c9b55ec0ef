"""Finds the ends of crossings of a book, for readers that hide crossed levels.

hftbacktest moves the best price of the other side when a level crosses it, and does not move it
back once that level is gone.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from booktape.answers.tops import scan_top
from booktape.export.days import Day
from booktape.replay.rows import level_names
from booktape.times import SECOND_US

ROWS_US: Final = 60 * SECOND_US  # one `crossed` row covers the time since the one before


class Uncrossed(NamedTuple):
    """The best levels of a book right after a crossing; None for an empty side."""

    ts: int
    bid: tuple[float, float] | None
    ask: tuple[float, float] | None


def find_uncrossed(day: Day) -> Iterator[Uncrossed]:
    """Yield the end of each crossing of the day's book, in order."""
    if not _is_told(day):
        return
    scan = scan_top(day.reading, day.market, (day.start, day.end), depth=1, every=None, add=())
    was_crossed = False
    for batch in scan.batches():
        names = ("ts", *level_names(0))
        columns = (batch[name].cast("int64") if name == "ts" else batch[name] for name in names)
        for ts, bid, bid_size, ask, ask_size in zip(
            *(column.to_pylist() for column in columns), strict=True
        ):
            is_crossed = bid is not None and ask is not None and bid >= ask
            if was_crossed and not is_crossed:
                yield Uncrossed(
                    ts,
                    bid=None if bid is None else (bid, bid_size),
                    ask=None if ask is None else (ask, ask_size),
                )
            was_crossed = is_crossed


def _is_told(day: Day) -> bool:
    """Return whether a feed recorded a crossed book."""
    first = day.start - ROWS_US
    for session in day.reading.sessions.find(day.market.exchange, first, day.end):
        for place in range(session.find_first(first), session.find_end(day.end)):
            rows = session.rows(place, day.market.symbol)
            if any(row.kind == "crossed" and row.ts >= first for row in rows):
                return True
    return False
