"""Compares the touches of our books, their best prices, with the exchange's tickers.

A ticker agrees if, within 2 s before or after it, our book had the ticker's best price, on each
side that both have. Nearly always our book has it now. After a ticker that agreed, we skip those of
the next seconds: to find the best price again costs more than everything else done with a message.
If the book does not have the price now, we watch the book, delta by delta, until a ticker agrees.
We judge one ticker of a book at a time.
"""

from collections import deque
from collections.abc import Callable, Container
from math import inf
from typing import Final

from shared.event import Delta, Ticker
from shared.feed.books import Books
from shared.feed.counts import Counts
from shared.feed.patience import Patience

NEAR_NS: Final = 2_000_000_000  # before a ticker and after it
YOUNG_NS: Final = 10_000_000_000  # we judge no tickers of a younger book
CALM_NS: Final = 10_000_000_000  # from a ticker that agreed until we judge the next one
RUN_TICKERS: Final = 5  # different tickers in a row that disagree on one side,
RUN_NS: Final = 10_000_000_000  # over so long: then we doubt the book
AGREED_MAX: Final = 3  # audits in a row that cleared the book: then we doubt the ticker
HISTORY_MAX: Final = 512  # touches kept of one watched book


class _Run:
    """Different tickers in a row that disagree on one side."""

    def __init__(self) -> None:
        self.count = 0
        self._ts_first = self._ts_last = 0
        self._said: tuple[float | None, float | None] = None, None

    def note(self, ts: int, price: float | None, size: float | None) -> None:
        if self.count and self._said == (price, size):
            return
        self._said = price, size
        self._ts_last = ts
        if not self.count:
            self._ts_first = ts
        self.count += 1

    @property
    def is_long(self) -> bool:
        return self.count >= RUN_TICKERS and self._ts_last - self._ts_first >= RUN_NS


class _Watch:
    """The best prices of one book, followed because a ticker named others."""

    def __init__(self, ts: int, touch: tuple[float, float]) -> None:
        self.ts_begun = ts
        self.history: deque[tuple[int, float, float]] = deque([(ts, *touch)], HISTORY_MAX)
        self.ticker: Ticker | None = None  # the one under judgement
        self.ts_ticker = 0
        self.is_bid_open = self.is_ask_open = False
        self.bid_run, self.ask_run = _Run(), _Run()

    def judge(self, ts: int, ticker: Ticker) -> bool:
        """Begin to judge a ticker; return whether it agrees already."""
        self.ticker, self.ts_ticker = ticker, ts
        self.is_bid_open = ticker.bid_price is not None
        self.is_ask_open = ticker.ask_price is not None
        history = self.history
        while len(history) > 1 and history[1][0] < ts - NEAR_NS:
            history.popleft()
        if len(history) == HISTORY_MAX:
            self.ts_begun = max(self.ts_begun, history[0][0])
        for _, bid, ask in history:
            self.compare(bid, ask)
        return self.ticker is None

    def move(self, ts: int, bid: float, ask: float) -> None:
        """Take note of the best prices after a change."""
        if (bid, ask) != self.history[-1][1:]:
            self.history.append((ts, bid, ask))
        if self.ticker is not None and ts <= self.ts_ticker + NEAR_NS:
            self.compare(bid, ask)

    def compare(self, bid: float, ask: float) -> None:
        """Close each side on which the ticker agrees; with its last side the ticker has agreed."""
        if self.ticker is None:
            return
        if bid in (self.ticker.bid_price, -inf):
            self.is_bid_open = False
        if ask in (self.ticker.ask_price, inf):
            self.is_ask_open = False
        if not self.is_bid_open and not self.is_ask_open:
            self.ticker = None

    def settle_ticker(self) -> bool:
        """End a ticker that did not agree in time; return whether that counts as a disagreement.

        It does not count if the watch began too late to know our book's prices before the ticker.
        """
        ticker, self.ticker = self.ticker, None
        assert ticker is not None
        if self.ts_begun > self.ts_ticker - NEAR_NS:
            return False
        if self.is_bid_open:
            self.bid_run.note(self.ts_ticker, ticker.bid_price, ticker.bid_size)
        else:
            self.bid_run = _Run()
        if self.is_ask_open:
            self.ask_run.note(self.ts_ticker, ticker.ask_price, ticker.ask_size)
        else:
            self.ask_run = _Run()
        return True


class _Standing:
    """The agreement of one symbol's tickers with its book."""

    __slots__ = ("agreed", "agreed_audits", "judged", "ts_calm", "watch", "watcher")

    def __init__(self) -> None:
        self.agreed = self.judged = 0  # tickers since the last audit
        self.agreed_audits = 0  # in a row, of audits caused by tickers
        self.ts_calm = 0
        self.watch: _Watch | None = None
        self.watcher: Callable[[int, Delta], None] | None = None


class Touches:
    """Judges the tickers of one connection's books; the recorder's thread owns it."""

    def __init__(
        self, books: Books, doubt: Callable[[str], None], counts: Counts, idle: Container[str]
    ) -> None:
        """Start with nothing seen; `doubt` is called with each raw symbol whose book may be wrong.

        Raw symbols in `idle` do not trade; it judges no tickers of theirs.
        """
        self._books = books
        self._idle = idle
        self._doubt = doubt
        self._counts = counts
        self._standings: dict[str, _Standing] = {}
        self._watched: set[str] = set()
        self._patience = Patience()

    def judge(self, ts: int, ticker: Ticker) -> None:
        """Judge a ticker, merged with the earlier ones; nearly always at once."""
        raw_symbol = ticker.raw_symbol
        standing = self._standings.get(raw_symbol)
        if standing is None:
            standing = self._standings[raw_symbol] = _Standing()
        elif standing.watch is None and 0 < standing.ts_calm - ts <= CALM_NS:
            return
        touch = self._books.touch(raw_symbol, ts, older_ns=YOUNG_NS)
        if touch is None or raw_symbol in self._idle:  # too young, crossed, or none
            if standing.watch is not None:
                self._end_watch(raw_symbol, standing)
            return
        bid, ask = touch
        bid_price, ask_price = ticker.bid_price, ticker.ask_price
        # If our side is empty, its price is infinite: skip that side.
        if (bid_price is None or bid in (bid_price, -inf)) and (
            ask_price is None or ask in (ask_price, inf)
        ):
            self._agree(ts, raw_symbol, standing)
        else:
            self._watch(ts, ticker, standing, touch)

    def look(self, ts: int, now_s: float) -> None:
        """End the tickers that did not agree in time; doubt a book after too many of them."""
        for raw_symbol in list(self._watched):
            standing = self._standings[raw_symbol]
            watch = standing.watch
            if watch is None or watch.ticker is None:
                continue
            if ts < watch.ts_ticker - NEAR_NS:  # the clock was set
                self._end_watch(raw_symbol, standing)
            elif ts > watch.ts_ticker + NEAR_NS and watch.settle_ticker():
                standing.judged += 1
                self._counts.tickers_judged += 1
                if watch.bid_run.is_long or watch.ask_run.is_long:
                    self._end_watch(raw_symbol, standing)
                    self._ask(raw_symbol, standing, now_s)

    def take_quotes(self, raw_symbol: str) -> tuple[int, int]:
        """Return how many tickers agreed and how many were judged, since the last call."""
        standing = self._standings.get(raw_symbol)
        if standing is None:
            return 0, 0
        quotes = standing.agreed, standing.judged
        standing.agreed = standing.judged = 0
        return quotes

    def note_audit(self, raw_symbol: str, *, is_for_ticker: bool, has_agreed: bool) -> None:
        """Take note of the result of an audit."""
        standing = self._standings.get(raw_symbol)
        if standing is None:
            return
        if standing.watch is not None:  # the book has begun anew
            self._end_watch(raw_symbol, standing)
        if not has_agreed:
            standing.agreed_audits = 0
            self._patience.reset(raw_symbol)
        elif is_for_ticker:
            standing.agreed_audits += 1

    def drop(self, raw_symbol: str) -> None:
        """Forget one symbol: the feed left it."""
        self._standings.pop(raw_symbol, None)
        self._watched.discard(raw_symbol)

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self._standings.clear()
        self._watched.clear()

    def _watch(
        self, ts: int, ticker: Ticker, standing: _Standing, touch: tuple[float, float]
    ) -> None:
        raw_symbol = ticker.raw_symbol
        if standing.watch is None:
            watch = standing.watch = _Watch(ts, touch)
            standing.watcher = self._watcher(raw_symbol, standing, watch)
            self._books.watch(raw_symbol, standing.watcher)
            self._watched.add(raw_symbol)
        if standing.watch.ticker is None and standing.watch.judge(ts, ticker):
            self._agree(ts, raw_symbol, standing)

    def _watcher(
        self, raw_symbol: str, standing: _Standing, watch: _Watch
    ) -> Callable[[int, Delta], None]:
        def moved(ts: int, _delta: Delta) -> None:
            book = self._books.find(raw_symbol)
            assert book is not None
            was_open = watch.ticker is not None
            watch.move(ts, *book.find_touch())
            if was_open and watch.ticker is None:
                self._agree(ts, raw_symbol, standing)

        return moved

    def _agree(self, ts: int, raw_symbol: str, standing: _Standing) -> None:
        standing.agreed += 1
        standing.judged += 1
        self._counts.tickers_agreed += 1
        self._counts.tickers_judged += 1
        standing.agreed_audits = 0
        standing.ts_calm = ts + CALM_NS
        if standing.watch is not None:
            self._end_watch(raw_symbol, standing)

    def _end_watch(self, raw_symbol: str, standing: _Standing) -> None:
        assert standing.watcher is not None
        self._books.unwatch(raw_symbol, standing.watcher)
        standing.watch = standing.watcher = None
        self._watched.discard(raw_symbol)

    def _ask(self, raw_symbol: str, standing: _Standing, now_s: float) -> None:
        if standing.agreed_audits >= AGREED_MAX:
            self._counts.tickers_doubted += 1
        elif self._patience.take(raw_symbol, now_s):
            self._doubt(raw_symbol)
