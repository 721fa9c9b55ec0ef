"""Puts rows into the event order of a backtest: by the exchange's time and by ours at once.

A row that was sent before another and received after it is two rows: one is what happens on the
exchange, in its order there, the other what is heard of it here.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

EXCH_EVENT, LOCAL_EVENT = 1 << 31, 1 << 30
EV, EXCH_TS = 0, 1  # the columns that are looked at
_NEVER: Final = np.iinfo(np.int64).min

Columns = list[Any]


class EventOrder:
    """Rows that come in the order in which they were received, and go in both orders.

    A row goes as soon as nothing that may still come happened before it on the exchange.
    """

    def __init__(self) -> None:
        self._highest = _NEVER
        self._held: Columns | None = None

    def add(self, columns: Sequence[Any], *, since: int | None) -> Columns:
        """Add rows, by the time at which they are heard of; return those whose places are known.

        Whatever is added later happened at `since` or afterwards; nothing is where it is None.
        """
        columns = list(columns)
        happened = columns[EXCH_TS]
        highest = np.maximum.accumulate(np.append(self._highest, happened))
        self._highest = int(highest[-1])
        is_late = happened < highest[:-1]
        late = np.flatnonzero(is_late)
        columns[EV] = columns[EV] | np.uint64(EXCH_EVENT | LOCAL_EVENT)
        columns[EV][late] ^= np.uint64(EXCH_EVENT)
        late = late[np.argsort(happened[late], kind="stable")]
        sent = [column[late] for column in columns]
        sent[EV] ^= np.uint64(EXCH_EVENT | LOCAL_EVENT)
        if self._held is not None:
            columns = [np.concatenate(pair) for pair in zip(self._held, columns, strict=True)]
        columns = _insert(columns, sent)
        first = len(columns[EV])
        if since is not None:
            is_later = (columns[EXCH_TS] > since) & _is_there(columns)
            first = int(is_later.argmax()) if is_later.any() else first
        self._held = [column[first:].copy() for column in columns]
        return [column[:first] for column in columns]


def _insert(columns: Columns, sent: Columns) -> Columns:
    """Return the rows with those that came late where they belong on the exchange."""
    if not len(sent[EV]):
        return columns
    there = np.flatnonzero(_is_there(columns))
    # Before the first row that happened later.
    places = np.searchsorted(columns[EXCH_TS][there], sent[EXCH_TS], side="right")
    places = np.append(there, len(columns[EV]))[places]
    return [np.insert(column, places, own) for column, own in zip(columns, sent, strict=True)]


def _is_there(columns: Columns) -> Any:
    """Return which rows are what happens on the exchange."""
    return columns[EV] & np.uint64(EXCH_EVENT) != 0
