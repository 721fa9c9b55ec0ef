"""Replays with a pandas loop over groups, as many people do, without our code.

It prints the CPU seconds of the loop and the number of levels in its rows, for groups of events and
of seconds. Groups of seconds are right only for a grid of seconds.
"""

import sys
import time

import pandas as pd  # type: ignore[import-untyped]  # pyright: ignore[reportMissingImports]

EVERY_US = 1_000_000
Book = tuple[dict[float, float], dict[float, float]]


def replay(frame: pd.DataFrame, column: str, depth: int) -> int:
    """Return the number of levels in the rows of a grid."""
    books: Book = ({}, {})
    due, count = 0, 0
    for ts, group in frame.groupby(column, sort=False):
        now = group["instant"].iloc[-1] if column == "event_number" else ts
        if due and now > due:
            count += look(books, depth)
        due = now
        for action, side, price, size in zip(
            group["action"], group["side"], group["price"], group["size"], strict=True
        ):
            if action == 1:
                books = ({}, {})
            elif size:
                books[side][price] = size
            else:
                books[side].pop(price, None)
    return count + look(books, depth)


def look(books: Book, depth: int) -> int:
    """Return the number of levels among the best of both sides."""
    bids = [(price, books[0][price]) for price in sorted(books[0], reverse=True)[:depth]]
    asks = [(price, books[1][price]) for price in sorted(books[1])[:depth]]
    return len(bids) + len(asks)


def main() -> None:
    """Measure both groupings of one table."""
    frame = pd.read_parquet(sys.argv[1])
    frame["instant"] = -(-frame["ts"] // EVERY_US)
    for column in ("event_number", "instant"):
        begin_s = time.process_time()
        count = replay(frame, column, int(sys.argv[2]))
        print(time.process_time() - begin_s, count)


if __name__ == "__main__":
    main()
