"""Trades, each recorded once, and a row where some may be missing between two lists of them."""

from typing import Final

from shared.books import Record
from shared.event import Trade, TradeList, feed_event

RECENT_MAX: Final = 512  # ids kept of a symbol: more than a list repeats
RECENT_EXPECTING_MAX: Final = 8192  # while a list is on its way, which may take minutes


class Trades:
    """Remembers the latest trade ids of every symbol, over reconnects too."""

    def __init__(self, record: Record) -> None:
        """Start knowing no trade."""
        self._record = record
        # Of each symbol the ids in the order of their coming; a dict is an ordered set.
        self._recent: dict[str, dict[str, None]] = {}
        self._last: dict[str, str] = {}  # the newest trade before an outage
        self._expecting: set[str] = set()

    def lose(self, raw_symbol: str) -> None:
        """Take note that what comes next need not follow what came last."""
        recent = self._recent.get(raw_symbol)
        if recent:
            self._last.setdefault(raw_symbol, next(reversed(recent)))

    def lose_all(self) -> None:
        """Take note of a lost connection."""
        for raw_symbol in self._recent:
            self.lose(raw_symbol)

    def take_last(self, raw_symbol: str) -> str | None:
        """Return the trade that the next list should reach, once after each outage."""
        return self._last.pop(raw_symbol, None)

    def expect(self, raw_symbol: str) -> None:
        """Forget no trade of this symbol, so that none in a list on its way is taken for new."""
        self._expecting.add(raw_symbol)

    def settle(self, raw_symbol: str) -> None:
        """Take note that the list came, or never will."""
        self._expecting.discard(raw_symbol)

    def trade(self, ts_recv: int, symbol: str, trade: Trade) -> None:
        """Record the trade unless it was seen before."""
        recent = self._recent.setdefault(trade.raw_symbol, {})
        if trade.trade_id in recent:
            return
        self._record(ts_recv, symbol, trade)
        recent[trade.trade_id] = None
        is_expecting = trade.raw_symbol in self._expecting
        recent_max = RECENT_EXPECTING_MAX if is_expecting else RECENT_MAX
        while len(recent) > recent_max:
            del recent[next(iter(recent))]

    def trade_list(self, ts_recv: int, symbol: str, trades: TradeList, last: str | None) -> None:
        """Record what is new in the list, which should reach back to the trade `last`."""
        ids = [trade.trade_id for trade in trades.trades]
        if last is not None and last not in ids and trades.is_cut:
            first = ids[0] if ids else None
            self.missing(ts_recv, symbol, last, "the list does not reach it", first=first)
        recent = self._recent.setdefault(trades.raw_symbol, {})
        is_behind = bool(ids) and ids[-1] in recent
        newest = next(reversed(recent)) if is_behind else None
        # Looked up before any is recorded: a long list would push out the ids that end it.
        for trade in [trade for trade in trades.trades if trade.trade_id not in recent]:
            self.trade(ts_recv, symbol, trade)
        if newest is not None:
            recent.pop(newest, None)
            recent[newest] = None  # the newest still, whatever was filled in before it

    def missing(
        self, ts_recv: int, symbol: str, last: str, reason: str, *, first: str | None = None
    ) -> None:
        """Record that trades may be missing after the trade `last`, before the trade `first`."""
        gap = feed_event("gap", channel="trades", last=last, first=first, reason=reason)
        self._record(ts_recv, symbol, gap)
