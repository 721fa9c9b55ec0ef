"""Puts rows into the event order of a backtest: by the exchange's time and by ours at once.

A row that was sent before another and received after it is two rows: one is what happens on the
exchange, in its order there, the other what is heard of it here.
"""

from typing import Any, Final

import numpy as np

BOTH, LOCAL, EXCHANGE = 0, 1, 2
_NEVER: Final = np.iinfo(np.int64).min


def order_rows(exchange_ts: Any, local_ts: Any) -> tuple[Any, Any]:
    """Return which row comes when, and whether it counts for both, here alone or there alone.

    Rows are given by `local_ts`, which never falls.
    """
    assert not len(local_ts) or (local_ts[1:] >= local_ts[:-1]).all()
    highest = np.maximum.accumulate(exchange_ts)
    before = np.concatenate([[_NEVER], highest[:-1]])
    is_ordered = exchange_ts >= before
    late = np.flatnonzero(~is_ordered)
    late = late[np.argsort(exchange_ts[late], kind="stable")]
    ordered = np.flatnonzero(is_ordered)
    # Before the first row that is in order and happened later on the exchange.
    places = np.searchsorted(exchange_ts[ordered], exchange_ts[late], side="right")
    places = np.append(ordered, len(exchange_ts))[places]
    rows = np.insert(np.arange(len(exchange_ts)), places, late)
    kinds = np.insert(np.where(is_ordered, BOTH, LOCAL), places, EXCHANGE)
    return rows, kinds
