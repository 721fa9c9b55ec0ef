"""Records each trade once, and a `gap` row where trades may be missing after an outage."""

from collections import Counter
from collections.abc import Collection
from itertools import dropwhile, islice
from typing import Final

from shared.event import Trade, TradeList, feed_event
from shared.exchange import Outage
from shared.feed.rows import FeedRows

# We keep more ids of a symbol than a list repeats: a list goes back to shortly before an outage.
# All ids of hundreds of markets would fill the memory with the trades of yesterday.
RECENT_MAX: Final = 512
RECENT_MIN: Final = 64
RECENT_NS: Final = 60_000_000_000
LEFT_MAX: Final = 100  # left symbols whose ids we keep: the exchange may list them again
RECENT_EXPECTING_MAX: Final = 8192  # while a list is on its way, which may take minutes
# A trade this much older than an outage came before it, however the clocks and the delay differ.
SURELY_NS: Final = 10_000_000_000


class Trades:
    """Remembers the latest trade ids of every symbol, over reconnects too."""

    def __init__(self, rows: FeedRows, *, begin_with_list: bool = False) -> None:
        """Start knowing no trade; `begin_with_list`: each subscription begins with a list."""
        self._rows = rows
        self._begin_with_list = begin_with_list
        # Each symbol's ids in the order in which they came, each with the exchange's time.
        self._recent: dict[str, dict[str, int | None]] = {}
        self._outages: dict[str, Outage] = {}
        self._expecting: Counter[str] = Counter()  # lists on their way, by raw symbol

    def follow(self, raw_symbols: Collection[str]) -> None:
        """Forget the trades of left symbols, except the `LEFT_MAX` latest of these."""
        left = [
            raw_symbol
            for raw_symbol in self._recent
            if raw_symbol not in raw_symbols and not self._expecting[raw_symbol]
        ]
        for raw_symbol in left[: max(0, len(left) - LEFT_MAX)]:
            del self._recent[raw_symbol]
            self._outages.pop(raw_symbol, None)
            self._expecting.pop(raw_symbol, None)

    def lose(self, raw_symbol: str, ts: int) -> None:
        """Begin an outage: the next trade of this symbol need not follow the last one."""
        recent = self._recent.get(raw_symbol)
        if recent and raw_symbol not in self._outages:
            trade_id, ts_event = next(reversed(recent.items()))
            self._outages[raw_symbol] = Outage(trade_id, ts_event, ts)

    def lose_all(self, ts: int) -> None:
        """Begin an outage of every symbol: the connection is lost."""
        for raw_symbol in self._recent:
            self.lose(raw_symbol, ts)

    def pop_outage(self, raw_symbol: str) -> Outage | None:
        """Return the outage that the next list must cover, once each; `None` if there was none."""
        return self._outages.pop(raw_symbol, None)

    def expect(self, raw_symbol: str) -> None:
        """Keep this symbol's trades while a list is on its way, so that none counts as new."""
        self._expecting[raw_symbol] += 1

    def settle_list(self, raw_symbol: str) -> None:
        """Take note that a list came, or never will."""
        self._expecting[raw_symbol] = max(0, self._expecting[raw_symbol] - 1)

    def trade(self, ts_recv: int, symbol: str, trade: Trade) -> None:
        """Record the trade unless it was seen before."""
        recent = self._recent.setdefault(trade.raw_symbol, {})
        if trade.trade_id in recent:
            return
        if self._begin_with_list and (outage := self.pop_outage(trade.raw_symbol)):
            self.missing(ts_recv, symbol, outage.trade_id, "no list came", first=trade.trade_id)
        self._rows.append((ts_recv, symbol, trade))
        recent[trade.trade_id] = trade.ts_event
        if len(recent) > RECENT_MIN:
            self._forget(trade.raw_symbol, recent, ts_recv - RECENT_NS)

    def _forget(self, raw_symbol: str, recent: dict[str, int | None], ts: int) -> None:
        """Forget ids beyond the maximum, and beyond the minimum those from before `ts`."""
        # The list after an outage repeats the trades shortly before it, however late the list
        # comes: they must not be recorded twice.
        if self._expecting[raw_symbol] > 0 or raw_symbol in self._outages:
            recent_min = recent_max = RECENT_EXPECTING_MAX
        else:
            recent_min, recent_max = RECENT_MIN, RECENT_MAX
        while len(recent) > recent_min:
            trade_id, ts_event = next(iter(recent.items()))
            if len(recent) <= recent_max and (ts_event is None or ts_event >= ts):
                return
            del recent[trade_id]

    def trade_list(
        self, ts_recv: int, symbol: str, trades: TradeList, outage: Outage | None
    ) -> None:
        """Record the new trades of a list, and a gap if the list does not cover the outage."""
        ids = [trade.trade_id for trade in trades.trades]
        recent = self._recent.setdefault(trades.raw_symbol, {})
        if outage is not None:
            last = outage.trade_id
            newer = ids[ids.index(last) + 1 :] if last in ids else ids
            first = self._first_after(last, recent)
            if last not in ids and not _reaches_over(trades, outage):
                first = ids[0] if ids else None
                self.missing(ts_recv, symbol, last, "the list does not reach it", first=first)
            elif first and trades.is_cut and recent.keys().isdisjoint(newer):
                self.missing(ts_recv, symbol, ids[-1], "the list ends before it", first=first)
        is_behind = bool(ids) and ids[-1] in recent
        newest = next(reversed(recent)) if is_behind else None
        # Find the new ones before recording any: a long list would push out the ids at its end.
        for trade in [trade for trade in trades.trades if trade.trade_id not in recent]:
            self.trade(ts_recv, symbol, trade)
        if newest is not None:
            # It stays the newest: the list only filled in trades before it.
            recent[newest] = recent.pop(newest, None)

    def _first_after(self, last: str, recent: dict[str, int | None]) -> str | None:
        """Return the first trade that came after the trade `last`."""
        after = dropwhile(lambda trade_id: trade_id != last, recent)
        return next(islice(after, 1, None), None)

    def missing(
        self, ts_recv: int, symbol: str, last: str, reason: str, *, first: str | None = None
    ) -> None:
        """Record that trades may be missing after the trade `last`, before the trade `first`."""
        gap = feed_event("gap", channel="trades", last=last, first=first, reason=reason)
        self._rows.append((ts_recv, symbol, gap))


def _reaches_over(trades: TradeList, outage: Outage) -> bool:
    """Return whether a list provably has every trade of an outage, though not the one before it."""
    sure_ns = outage.ts_lost - SURELY_NS
    oldest = trades.trades[0].ts_event if trades.trades else None
    if oldest is not None and oldest < sure_ns:
        return True
    if trades.is_cut or trades.ts_from is None or trades.ts_from >= sure_ns:
        return False
    # If the list should have the trade before the outage and lacks it, it lacks others too.
    return outage.ts_event is None or outage.ts_event < trades.ts_from + SURELY_NS
