"""One connection's messages become events; its silences and faults become rows.

Nothing here reads a clock or a socket: the caller passes the receive time (`ts`, UTC ns) and the
steady time (`now_s`), hands over what came, and sends what `chores` returns.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from shared.backfills import Backfills
from shared.book import Delta, Snapshot
from shared.books import Books, Reason, Record
from shared.checkpoints import Checkpoints
from shared.errors import MalformedMessage, Stale
from shared.event import (
    Chatter,
    FeedEvent,
    Kind,
    Notice,
    RateLimited,
    Refused,
    Subscribed,
    Ticker,
    Trade,
    TradeList,
)
from shared.exchange import BOOK, TICKER, TRADES, Cost, Exchange, Message, Raw
from shared.resyncs import Resyncs
from shared.snapshots import SnapshotRequests
from shared.subscriptions import Subscriptions
from shared.tickers import Tickers
from shared.trades import Trades
from shared.watchdog import Watchdog

CHORES_S: Final = 0.05  # between two looks at what is due
COUNTS_MAX: Final = 100  # kinds of messages counted apart
BAN_S: Final = 60.0  # where the exchange does not say how long, and at the least
BAN_S_MAX: Final = 86_400.0


class Feed:
    """The subscriptions, books, trades and tickers of one connection."""

    def __init__(
        self,
        exchange: Exchange,
        symbols: Iterable[str],
        channels: Sequence[str],
        *,
        record: Record,
        take: Callable[[Cost], float],
        ban: Callable[[float], None],
        stale_after_s: float,
        checkpoint_interval_s: float,
    ) -> None:
        """Prepare for these symbols of ours; nothing is recorded before `connected`.

        `take` spends points of the exchange's limit (0.0, or the seconds to wait), `ban` tells
        all others behind this address to ask nothing for so many seconds.
        """
        self.wanted = tuple(symbols)  # another thread may replace it at any time
        self.backfills = Backfills(is_possible=exchange.rest.trades is not None)
        self.counts: Counter[str] = Counter()
        self.is_quiet = False  # the exchange told us to ask nothing for a while
        self._exchange = exchange
        self._channels = tuple(channels)
        self._record = record
        self._spend = take
        self._ban = ban
        self._symbols: dict[str, str] = {}  # raw symbol -> ours, of what is subscribed
        self._subscriptions = Subscriptions(exchange, channels)
        self._snapshots = SnapshotRequests(exchange, take)
        self._books = Books(exchange.sequence_step, record, self._resync)
        self._trades = Trades(record)
        self._tickers = Tickers(record)
        self._resyncs = Resyncs()
        self._checkpoints = Checkpoints(checkpoint_interval_s)
        self._watchdog = Watchdog(stale_after_s)
        self._ts = 0
        self._now_s = 0.0
        self._due_s = 0.0
        self._quiet_until_s = 0.0
        self._is_settled = False
        self._followed: tuple[str, ...] = ()

    @property
    def is_flowing(self) -> bool:
        """Return whether data came on this connection."""
        return self._watchdog.is_flowing

    @property
    def live(self) -> set[str]:
        """Return the symbols whose books go on now."""
        return self._books.live()

    @property
    def refused(self) -> set[str]:
        """Return the symbols that the exchange refused, which are asked for again later."""
        refused = {raw_symbol for _, raw_symbol in self._subscriptions.refused}
        return {self._symbols[raw_symbol] for raw_symbol in refused & self._symbols.keys()}

    def connected(self, ts: int, now_s: float, url: str) -> None:
        """Begin on a new connection."""
        self._ts, self._now_s, self._due_s = ts, now_s, now_s
        self._is_settled = False
        self._row("connected", url=url)
        self._watchdog.connected(now_s)

    def connection_refused(self, ts: int, wait_s: float, reason: str) -> None:
        """Take note that the exchange wants no connection for a while."""
        self._ts = ts
        self._row("rate_limited", wait_s=wait_s, reason=reason)

    def disconnected(self, ts: int, reason: str) -> None:
        """End on a lost connection: no book goes on, and no subscription stands."""
        self._ts = ts
        self._row("disconnected", reason=reason)
        self._subscriptions.clear()
        self._snapshots.clear()
        self._resyncs.clear()
        self._tickers.clear()
        self._books.clear()
        self._symbols = {}
        self._followed = ()

    def receive(self, ts: int, now_s: float, raw: Raw) -> None:
        """Take one message as it came."""
        self._ts, self._now_s = ts, now_s
        self.counts["messages"] += 1
        try:
            messages = self._exchange.parse(raw)
        except MalformedMessage as error:
            self._malformed(error)
            return
        for message in messages:
            self._take(message)

    def chores(self, ts: int, now_s: float) -> list[str]:
        """Do what is due; return the messages to send.

        Raise `ConnectionLost` where a new connection is needed.
        """
        if now_s < self._due_s:
            return []
        self._ts, self._now_s, self._due_s = ts, now_s, now_s + CHORES_S
        self._watch()
        self.backfills.record(ts, self._symbols, self._trades)
        if raw_symbol := self._checkpoints.due(self._symbols, now_s):
            self._books.checkpoint(ts, raw_symbol)
        self.is_quiet = now_s < self._quiet_until_s
        if self.is_quiet:
            return []
        messages = self._follow()
        messages += self._renew_books()
        if self._subscriptions.has_more and self._may_subscribe():
            messages += self._subscriptions.messages(now_s)
        again, refused = self._subscriptions.overdue(now_s)
        for channel, raw_symbol in refused:
            self._row("subscription_refused", raw_symbol, channel=channel, reason="no data came")
        messages += again
        messages += self._ask_snapshots()
        self._settle()
        return messages

    def _take(self, message: Message) -> None:
        match message:
            case Delta():
                self._delta(message)
            case Snapshot():
                self._snapshot(message)
            case Trade():
                if symbol := self._data(TRADES, message.raw_symbol):
                    self._trades.trade(self._ts, symbol, message)
            case TradeList():
                if symbol := self._data(TRADES, message.raw_symbol):
                    last = self._trades.newest(message.raw_symbol)
                    self._trades.trade_list(self._ts, symbol, message, last)
            case Ticker():
                if symbol := self._data(TICKER, message.raw_symbol):
                    self._tickers.ticker(self._ts, symbol, message)
            case Subscribed() | Refused() | RateLimited() | Chatter():
                self._notice(message)

    def _notice(self, notice: Notice) -> None:
        match notice:
            case Subscribed():
                self._subscribed(notice)
            case Refused():
                self._refused(notice)
            case RateLimited():
                self._rate_limited(notice)
            case Chatter():
                kind = "chatter " + notice.kind
                known = kind in self.counts or len(self.counts) < COUNTS_MAX
                self.counts[kind if known else "chatter"] += 1

    def _delta(self, delta: Delta) -> None:
        if self._subscriptions.is_ready(BOOK, delta.raw_symbol):
            self._watchdog.data(self._now_s)
        if delta.raw_symbol in self._symbols and BOOK in self._channels:
            self._books.delta(self._ts, delta)
        else:
            self.counts["not asked for"] += 1

    def _data(self, channel: str, raw_symbol: str) -> str | None:
        """Take note of data; return our symbol, or `None` where we do not record it."""
        if channel not in self._channels or raw_symbol not in self._symbols:
            self.counts["not asked for"] += 1
            return None
        if not self._subscriptions.answer(channel, raw_symbol):
            self._watchdog.data(self._now_s)
        return self._symbols[raw_symbol]

    def _snapshot(self, snapshot: Snapshot) -> None:
        raw_symbol = snapshot.raw_symbol
        if self._exchange.request_snapshot is None:
            if self._data(BOOK, raw_symbol):
                self._books.replace(self._ts, snapshot)
        elif not self._snapshots.is_asked(raw_symbol):
            self.counts["snapshot not asked for"] += 1
        else:
            self._snapshots.settle(raw_symbol)
            if not self._books.answer(self._ts, snapshot):
                self.counts["snapshot too old"] += 1
                self._resync(raw_symbol, "old_snapshot")

    def _subscribed(self, notice: Subscribed) -> None:
        for raw_symbol in self._subscriptions.acknowledge(notice.channel, notice.raw_symbols):
            if raw_symbol not in self._symbols:
                continue
            if notice.channel == BOOK and self._exchange.request_snapshot:
                self._snapshots.want(raw_symbol)
            last = self._trades.newest(raw_symbol)
            if notice.channel == TRADES and last is not None:
                self.backfills.ask(raw_symbol, last)

    def _refused(self, notice: Refused) -> None:
        self.counts["refused " + notice.request] += 1
        if notice.request == "subscribe":
            for raw_symbol in self._subscriptions.refuse(notice.raw_symbol, self._now_s):
                self._row("subscription_refused", raw_symbol, reason=notice.reason)
        elif notice.raw_symbol in self._symbols:
            self._snapshots.refuse(notice.raw_symbol, self._now_s, is_halted=notice.is_halted)

    def _rate_limited(self, notice: RateLimited) -> None:
        wait_s = self._ban_s(notice)
        if not self.is_quiet:
            self._row("rate_limited", wait_s=wait_s, reason=notice.reason)
        self.is_quiet = True
        self._quiet_until_s = max(self._quiet_until_s, self._now_s + wait_s)
        self._subscriptions.postpone()
        self._ban(wait_s)

    def _ban_s(self, notice: RateLimited) -> float:
        if notice.wait_s is not None:
            return notice.wait_s
        if notice.until_ns is not None:
            return min(max((notice.until_ns - self._ts) / 1e9, BAN_S), BAN_S_MAX)
        return BAN_S

    def _malformed(self, error: MalformedMessage) -> None:
        raw_symbol = error.raw_symbol if error.raw_symbol in self._symbols else None
        self.counts["malformed"] += 1
        self._row("malformed", raw_symbol, reason=error.reason, raw=error.excerpt)
        if raw_symbol is not None and BOOK in self._channels:
            self._books.doubt(raw_symbol, "malformed")

    def _watch(self) -> None:
        silent_s = self._watchdog.silent_s(self._now_s)
        if silent_s is not None:
            self._row("stale", silent_s=round(silent_s, 3))
            raise Stale(f"open, but silent for {silent_s:.1f} s")

    def _follow(self) -> list[str]:
        """Subscribe to what is wanted now, and leave what is not."""
        wanted = self.wanted
        if wanted is self._followed:
            return []
        self._followed = wanted
        symbols = {self._exchange.raw_symbol(symbol): symbol for symbol in wanted}
        messages: list[str] = []
        for raw_symbol in self._symbols.keys() - symbols.keys():
            messages += self._subscriptions.drop(raw_symbol)
            self._snapshots.settle(raw_symbol)
            self._books.remove(raw_symbol)
        added = [raw_symbol for raw_symbol in symbols if raw_symbol not in self._symbols]
        for raw_symbol in added:
            self._books.add(raw_symbol, symbols[raw_symbol])
        self._symbols = symbols
        self._subscriptions.ask(added)
        self._is_settled = self._is_settled and not added
        return messages

    def _resync(self, raw_symbol: str, reason: Reason) -> None:
        if self._snapshots.is_asked(raw_symbol) or self._subscriptions.is_asked(BOOK, raw_symbol):
            return
        if self._resyncs.want(raw_symbol, self._now_s):
            self._due_s = self._now_s
            if reason != "unknown":
                self._row("resync", raw_symbol, reason=reason)

    def _renew_books(self) -> list[str]:
        messages: list[str] = []
        for raw_symbol in self._resyncs.due(self._now_s):
            if self._exchange.request_snapshot:
                self._snapshots.want(raw_symbol)
            else:
                messages += self._subscriptions.renew(BOOK, raw_symbol, self._now_s)
        return messages

    def _may_subscribe(self) -> bool:
        cost = self._exchange.subscribe_cost
        return cost is None or self._spend(cost) == 0.0

    def _ask_snapshots(self) -> list[str]:
        if self._exchange.request_snapshot is None:
            return []
        asked = self._snapshots.ask(self._now_s)
        for raw_symbol, _ in asked:
            self._books.hold(raw_symbol)
        return [message for _, message in asked]

    def _settle(self) -> None:
        """Record once that every subscription was answered."""
        if self._is_settled or not self._symbols or not self._subscriptions.is_settled():
            return
        self._is_settled = True
        for channel in self._channels:
            ready = sum(self._subscriptions.is_ready(channel, raw) for raw in self._symbols)
            self._row("subscribed", channel=channel, symbols=ready)

    def _row(self, kind: Kind, raw_symbol: str | None = None, **detail: Any) -> None:
        symbol = None if raw_symbol is None else self._symbols.get(raw_symbol)
        text = msgspec.json.encode(detail).decode()
        self._record(self._ts, symbol, FeedEvent(kind, detail=text))
