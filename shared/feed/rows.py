"""Collects the rows of one feed for the recorder: any part of the feed appends to them."""

from shared.event import Row


class FeedRows(list[Row]):
    """The rows of one feed, in the order in which they came; the recorder's thread owns them."""

    def take(self) -> list[Row]:
        """Return the rows appended since the last time."""
        rows = self[:]
        self.clear()
        return rows
