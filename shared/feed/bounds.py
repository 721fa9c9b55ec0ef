"""Bounds the memory of one connection's books: held deltas of all, levels of a side.

An exchange that keeps its own rules never comes near these bounds. One that never answers, or
never removes a level, would fill the memory.
"""

from collections.abc import Mapping
from typing import Final

from shared.event import feed_event
from shared.feed.books import Books
from shared.feed.rows import FeedRows

LOOK_S: Final = 5.0  # a look visits every book
HELD_ALL_MAX: Final = 32_768  # held deltas of all books: some 25 MiB
LEVELS_MAX: Final = 50_000  # levels that one side gains beyond its snapshot


class Bounds:
    """Looks at the books every `LOOK_S`; the recorder's thread owns it."""

    def __init__(self, books: Books, rows: FeedRows) -> None:
        """Start without a look."""
        self._books = books
        self._rows = rows
        self._due_s = 0.0

    def look(self, ts: int, now_s: float, symbols: Mapping[str, str]) -> None:
        """Drop whatever exceeds a bound; `symbols` maps raw symbols to ours."""
        if now_s < self._due_s:
            return
        self._due_s = now_s + LOOK_S
        sizes = list(self._books.measure())
        held = {raw_symbol: count for raw_symbol, _, count in sizes if count}
        if sum(held.values()) > HELD_ALL_MAX:
            self._let_go(held)
        for raw_symbol in [raw_symbol for raw_symbol, levels, _ in sizes if levels > LEVELS_MAX]:
            stale = feed_event("stale", reason=f"a side gained more than {LEVELS_MAX} levels")
            self._rows.append((ts, symbols[raw_symbol], stale))
            self._books.doubt(raw_symbol, "stale")

    def _let_go(self, held: dict[str, int]) -> None:
        """Forget held deltas, the longest runs first, until half of the bound is free.

        The snapshots of these books will be too old, and the feed requests them again.
        """
        total = sum(held.values())
        for raw_symbol in sorted(held, key=lambda raw: held[raw], reverse=True):
            self._books.forget_held(raw_symbol)
            total -= held[raw_symbol]
            if total <= HELD_ALL_MAX // 2:
                return
