"""Schedules the questions of one connection to its exchange."""

from collections import deque
from collections.abc import Callable
from typing import Final

from shared.event import Refused, Throttled
from shared.exchange import BOOK, Cost, Exchange
from shared.feed.keep_alive import KeepAlives
from shared.feed.resyncs import Resyncs
from shared.feed.snapshots import SnapshotRequests
from shared.feed.subscriptions import SubscriptionKey, Subscriptions

AGAIN_S: Final = 1.0  # after an answer that is too old
BAN_S: Final = 60.0  # unless the exchange names a longer one
BAN_S_MAX: Final = 86_400.0


class Questions:
    """Subscribes and begins books anew; asks nothing while the exchange refuses requests.

    A book begins at the answer to a request for its snapshot, by message or over REST; or at the
    first message of its subscription. In that case we leave the subscription and join it again.
    """

    def __init__(
        self,
        exchange: Exchange,
        subscriptions: Subscriptions,
        spend: Callable[[Cost], float],
        hold_deltas: Callable[[str], None],
        books_wanted: deque[str],
    ) -> None:
        """Start without a question.

        `hold_deltas` is called with each raw symbol whose snapshot we request. Where snapshots come
        over REST, the REST worker takes the raw symbols from `books_wanted`.
        `spend` takes points off the exchange's limit: it returns 0, or the seconds to wait.
        """
        self._exchange = exchange
        self._subscriptions = subscriptions
        self._spend = spend
        self._hold_deltas = hold_deltas
        self._books_wanted = books_wanted
        self.is_book_first = exchange.snapshot_by == "first"
        self._keep_alives = KeepAlives(exchange.keep_alive)
        self._snapshots = SnapshotRequests(exchange, spend)
        self._resyncs = Resyncs()
        self._wakes = Resyncs()
        self._quiet_until_s = 0.0
        self._waits_until_s = 0.0  # for points, with subscriptions to ask for

    def connected(self, now_s: float) -> None:
        """Begin on a new connection."""
        self._keep_alives.connected(now_s)

    def clear(self) -> None:
        """Forget every question: the connection is gone."""
        self._books_wanted.clear()
        self._subscriptions.clear()
        self._snapshots.clear()
        self._resyncs.clear()
        self._wakes.clear()

    def drop(self, raw_symbol: str) -> list[str]:
        """Ask nothing more about a symbol; return the messages that end its subscriptions."""
        self.settle_book(raw_symbol)
        return self._subscriptions.drop(raw_symbol)

    def begin_book(self, raw_symbol: str) -> None:
        """Request the book of a new subscription, unless the subscription brings it."""
        if not self.is_book_first:
            self._snapshots.want(raw_symbol)

    def resync(self, raw_symbol: str, now_s: float) -> bool:
        """Schedule a new beginning of a book; return False if one is under way already."""
        is_asked = self._subscriptions.is_asked(BOOK, raw_symbol)
        is_refused = (BOOK, raw_symbol) in self._subscriptions.refused
        if is_asked or is_refused or self._snapshots.is_pending(raw_symbol):
            return False
        return self._resyncs.want(raw_symbol, now_s)

    def note_life(self, raw_symbol: str, now_s: float) -> bool:
        """Take note of a change of a book that we do not have.

        Return whether this wakes a refused request, so that chores are due now.
        """
        is_refused = (BOOK, raw_symbol) in self._subscriptions.refused
        if is_refused or self._snapshots.is_refused(raw_symbol):
            return self._wakes.want(raw_symbol, now_s)
        return False

    def wake(self, raw_symbol: str, now_s: float) -> None:
        """Repeat a live market's refused or postponed requests now, or begin its book anew."""
        if self._subscriptions.wake(raw_symbol, now_s) or self._snapshots.wake(raw_symbol):
            return
        has_book = BOOK in self._subscriptions.channels
        if has_book and not self._subscriptions.is_asked(BOOK, raw_symbol):
            self._resyncs.want(raw_symbol, now_s)

    def is_snapshot_asked(self, raw_symbol: str) -> bool:
        """Return whether a snapshot of this symbol may come."""
        return self.is_book_first or self._snapshots.is_asked(raw_symbol)

    def settle_book(self, raw_symbol: str) -> None:
        """Take note that a snapshot came."""
        self._snapshots.settle_snapshot(raw_symbol)
        self._resyncs.settle_resync(raw_symbol)
        self._wakes.settle_resync(raw_symbol)

    def refuse_snapshot(self, notice: Refused, now_s: float) -> None:
        """Request a refused snapshot again later."""
        if notice.raw_symbol is not None and self._snapshots.is_asked(notice.raw_symbol):
            self._snapshots.refuse(notice.raw_symbol, now_s, is_halted=notice.is_halted)

    def ask_again(self, raw_symbol: str, now_s: float) -> None:
        """Request a snapshot once more: the answer was too old."""
        self._snapshots.ask_again(raw_symbol, now_s + AGAIN_S)

    def wait_for_trading(self, notice: Refused, now_s: float) -> None:
        """Request the book of a halted market later."""
        assert notice.raw_symbol is not None
        self._snapshots.refuse(notice.raw_symbol, now_s, is_halted=True)

    def is_calm(self) -> bool:
        """Return whether no request is open or planned."""
        is_begun = self._snapshots.is_calm() and self._resyncs.is_calm() and self._wakes.is_calm()
        return is_begun and self._subscriptions.is_settled()

    def is_snapshot_due(self, now_s: float) -> bool:
        """Return whether a snapshot waits for its turn now."""
        return self._snapshots.is_due(now_s)

    def keep_alive(self, now_s: float) -> list[str]:
        """Return the keep-alive message if it is due; it may go even while no question may."""
        return self._keep_alives.due(now_s)

    def is_quiet(self, now_s: float) -> bool:
        """Return whether the exchange refuses questions at the moment."""
        return now_s < self._quiet_until_s

    def may_not_ask(self, now_s: float) -> bool:
        """Return whether we may ask nothing now, so that a silence is our own."""
        return now_s < max(self._quiet_until_s, self._waits_until_s)

    def stop(self, notice: Throttled, ts: int, now_s: float) -> float:
        """Stop asking for as long as the exchange says; return the seconds."""
        wait_s = notice.wait_s
        if wait_s is None:
            named_s = 0.0 if notice.until_ns is None else (notice.until_ns - ts) / 1e9
            wait_s = min(max(named_s, BAN_S), BAN_S_MAX)
        self._quiet_until_s = max(self._quiet_until_s, now_s + wait_s)
        self._subscriptions.postpone()
        return wait_s

    def due(self, now_s: float) -> tuple[list[str], list[SubscriptionKey]]:
        """Return the messages to send now, and the subscriptions that count as refused.

        Raise `ConnectionLost` where only a new connection can help.
        """
        for raw_symbol in self._wakes.due(now_s):
            self.wake(raw_symbol, now_s)
        messages = self._begin_anew(now_s)
        if self._subscriptions.has_more and self._may_subscribe(now_s):
            messages += self._subscriptions.messages(now_s)
        again, refused = self._subscriptions.overdue(now_s)
        return messages + again + self._ask_snapshot(now_s), refused

    def _begin_anew(self, now_s: float) -> list[str]:
        messages: list[str] = []
        for raw_symbol in self._resyncs.due(now_s):
            if not self.is_book_first:
                self._snapshots.want(raw_symbol)
            else:
                messages += self._subscriptions.renew(BOOK, raw_symbol, now_s)
        return messages

    def _may_subscribe(self, now_s: float) -> bool:
        cost = self._exchange.subscribe_cost
        wait_s = self._spend(cost) if cost else 0.0
        if wait_s:
            self._waits_until_s = now_s + wait_s
        return wait_s == 0.0

    def _ask_snapshot(self, now_s: float) -> list[str]:
        if self.is_book_first:
            return []
        asked = self._snapshots.ask(now_s)
        for raw_symbol in asked:
            self._hold_deltas(raw_symbol)
        if self._exchange.request_snapshot is not None:
            return [self._exchange.request_snapshot(raw_symbol) for raw_symbol in asked]
        self._books_wanted.extend(asked)
        return []
