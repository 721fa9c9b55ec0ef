"""Trades, each recorded once, and a row where some may be missing between two lists of them."""

from collections import Counter
from itertools import dropwhile, islice
from typing import Final

from shared.event import Trade, TradeList, feed_event
from shared.feed.rows import FeedRows

RECENT_MAX: Final = 512  # ids kept of a symbol: more than a list repeats
RECENT_EXPECTING_MAX: Final = 8192  # while a list is on its way, which may take minutes


class Trades:
    """Remembers the latest trade ids of every symbol, over reconnects too."""

    def __init__(self, rows: FeedRows, *, begin_with_list: bool = False) -> None:
        """Start knowing no trade; `begin_with_list`: each subscription begins with a list."""
        self._rows = rows
        self._begin_with_list = begin_with_list
        # Of each symbol the ids in the order of their coming; a dict is an ordered set.
        self._recent: dict[str, dict[str, None]] = {}
        self._last: dict[str, str] = {}  # the newest trade before an outage
        self._expecting: Counter[str] = Counter()  # how many lists

    def lose(self, raw_symbol: str) -> None:
        """Take note that what comes next need not follow what came last."""
        recent = self._recent.get(raw_symbol)
        if recent:
            self._last.setdefault(raw_symbol, next(reversed(recent)))

    def lose_all(self) -> None:
        """Take note of a lost connection."""
        for raw_symbol in self._recent:
            self.lose(raw_symbol)

    def pop_last(self, raw_symbol: str) -> str | None:
        """Return the trade that the next list should reach, once after each outage."""
        return self._last.pop(raw_symbol, None)

    def expect(self, raw_symbol: str) -> None:
        """Forget no trade of this symbol, so that none in a list on its way is taken for new."""
        self._expecting[raw_symbol] += 1

    def settle_list(self, raw_symbol: str) -> None:
        """Take note that a list came, or never will."""
        self._expecting[raw_symbol] = max(0, self._expecting[raw_symbol] - 1)

    def trade(self, ts_recv: int, symbol: str, trade: Trade) -> None:
        """Record the trade unless it was seen before."""
        recent = self._recent.setdefault(trade.raw_symbol, {})
        if trade.trade_id in recent:
            return
        if self._begin_with_list and (last := self.pop_last(trade.raw_symbol)):
            self.missing(ts_recv, symbol, last, "no list came", first=trade.trade_id)
        self._rows.append((ts_recv, symbol, trade))
        recent[trade.trade_id] = None
        is_expecting = self._expecting[trade.raw_symbol] > 0
        recent_max = RECENT_EXPECTING_MAX if is_expecting else RECENT_MAX
        while len(recent) > recent_max:
            del recent[next(iter(recent))]

    def trade_list(self, ts_recv: int, symbol: str, trades: TradeList, last: str | None) -> None:
        """Record what is new in the list, which should reach back to the trade `last`."""
        ids = [trade.trade_id for trade in trades.trades]
        recent = self._recent.setdefault(trades.raw_symbol, {})
        if last is not None and trades.is_cut:
            if last not in ids:
                first = ids[0] if ids else None
                self.missing(ts_recv, symbol, last, "the list does not reach it", first=first)
            elif (first := self._first_after(last, recent)) and recent.keys().isdisjoint(
                ids[ids.index(last) + 1 :]
            ):
                self.missing(ts_recv, symbol, ids[-1], "the list ends before it", first=first)
        is_behind = bool(ids) and ids[-1] in recent
        newest = next(reversed(recent)) if is_behind else None
        # Looked up before any is recorded: a long list would push out the ids that end it.
        for trade in [trade for trade in trades.trades if trade.trade_id not in recent]:
            self.trade(ts_recv, symbol, trade)
        if newest is not None:
            recent.pop(newest, None)
            recent[newest] = None  # the newest still, whatever was filled in before it

    def _first_after(self, last: str, recent: dict[str, None]) -> str | None:
        """Return the first trade that came after the trade `last`."""
        after = dropwhile(lambda trade_id: trade_id != last, recent)
        return next(islice(after, 1, None), None)

    def missing(
        self, ts_recv: int, symbol: str, last: str, reason: str, *, first: str | None = None
    ) -> None:
        """Record that trades may be missing after the trade `last`, before the trade `first`."""
        gap = feed_event("gap", channel="trades", last=last, first=first, reason=reason)
        self._rows.append((ts_recv, symbol, gap))
