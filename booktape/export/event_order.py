"""Puts rows into the event order of a backtest: by the exchange's time and by ours at once.

A row sent before another and received after it becomes two rows: one for the event on the exchange,
in the exchange's order, and one for its reception here.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

EXCH_EVENT, LOCAL_EVENT = 1 << 31, 1 << 30
EV, EXCH_TS = 0, 1  # the columns that the order needs
_NEVER: Final = np.iinfo(np.int64).min

Columns = list[Any]


class EventOrder:
    """Takes rows by receive time, and returns them in both orders.

    It returns a row once no later row can have happened before it on the exchange.
    """

    def __init__(self) -> None:
        self._highest = _NEVER
        self._held: Columns | None = None

    def add(self, columns: Sequence[Any], *, since: int | None) -> Columns:
        """Add rows, by receive time; return the rows whose places are final.

        All rows added later happened at `since` or afterwards; `None`: none will be added.
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
    """Return the rows, with the late ones at their places in the exchange's order."""
    if not len(sent[EV]):
        return columns
    there = np.flatnonzero(_is_there(columns))
    # Before the first row that happened later.
    places = np.searchsorted(columns[EXCH_TS][there], sent[EXCH_TS], side="right")
    places = np.append(there, len(columns[EV]))[places]
    return [np.insert(column, places, own) for column, own in zip(columns, sent, strict=True)]


def _is_there(columns: Columns) -> Any:
    """Return which rows are events on the exchange."""
    return columns[EV] & np.uint64(EXCH_EVENT) != 0
