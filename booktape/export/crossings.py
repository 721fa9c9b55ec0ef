"""Finds where a crossed book is crossed no more, for readers that hide what is crossed.

hftbacktest moves the best price of the other side when a level crosses it, and does not move it
back once that level is gone.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from booktape.answers.tops import scan_top
from booktape.export.days import Day
from booktape.replay.rows import level_names
from booktape.times import SECOND_US

ROWS_US: Final = 60 * SECOND_US  # a row of feed_events tells of what crossed since the one before


class Uncrossed(NamedTuple):
    """The best levels of a book right after it was crossed; None where a side is empty."""

    ts: int
    bid: tuple[float, float] | None
    ask: tuple[float, float] | None


def find_uncrossed(day: Day) -> Iterator[Uncrossed]:
    """Yield the ends of all times in which the day's book was crossed, in order."""
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
    """Return whether a feed told of a crossed book."""
    first = day.start - ROWS_US
    for session in day.reading.sessions.find(day.market.exchange, first, day.end):
        for place in range(session.find_first(first), session.find_end(day.end)):
            rows = session.rows(place, day.market.symbol)
            if any(row.kind == "crossed" and row.ts >= first for row in rows):
                return True
    return False
