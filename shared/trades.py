"""Trades, each recorded once, and a row where some may be missing between two lists of them."""

import msgspec

from shared.books import Record
from shared.event import FeedEvent, Trade, TradeList

RECENT_MAX = 512  # ids kept of a symbol: more than arrive while a list is on its way


class Trades:
    """Remembers the latest trade ids of every symbol, over reconnects too."""

    def __init__(self, record: Record) -> None:
        """Start knowing no trade."""
        self._record = record
        # Of each symbol the ids in the order of their coming; a dict is an ordered set.
        self._recent: dict[str, dict[str, None]] = {}

    def newest(self, raw_symbol: str) -> str | None:
        """Return the id of the trade that came last."""
        recent = self._recent.get(raw_symbol)
        return next(reversed(recent)) if recent else None

    def trade(self, ts_recv: int, symbol: str, trade: Trade) -> None:
        """Record the trade unless it was seen before."""
        recent = self._recent.setdefault(trade.raw_symbol, {})
        if trade.trade_id in recent:
            return
        recent[trade.trade_id] = None
        if len(recent) > RECENT_MAX:
            del recent[next(iter(recent))]
        self._record(ts_recv, symbol, trade)

    def trade_list(self, ts_recv: int, symbol: str, trades: TradeList, last: str | None) -> None:
        """Record what is new in the list, which should reach back to the trade `last`."""
        ids = [trade.trade_id for trade in trades.trades]
        if last is not None and last not in ids and trades.is_cut:
            first = ids[0] if ids else None
            self.missing(ts_recv, symbol, last, "the list does not reach it", first=first)
        for trade in trades.trades:
            self.trade(ts_recv, symbol, trade)

    def missing(
        self, ts_recv: int, symbol: str, last: str, reason: str, *, first: str | None = None
    ) -> None:
        """Record that trades may be missing after the trade `last`, before the trade `first`."""
        detail = {"channel": "trades", "last": last, "first": first, "reason": reason}
        text = msgspec.json.encode(detail).decode()
        self._record(ts_recv, symbol, FeedEvent("gap", detail=text))
