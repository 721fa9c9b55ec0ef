"""The feed turns one connection's messages into events, its silences and faults into rows.

Nothing here reads a clock or a socket: the caller passes the receive time (`ts`, UTC ns), the
steady time (`now_s`) and the messages; it records the rows and sends the requests that it gets.
"""

from collections.abc import Callable, Sequence
from typing import Final

from shared.errors import ConnectionLost, MalformedMessage, Stale
from shared.event import (
    Delta,
    Kind,
    Notice,
    Refused,
    Row,
    Snapshot,
    Subscribed,
    Throttled,
    Ticker,
    Trade,
    TradeList,
    feed_event,
)
from shared.exchange import BOOK, TICKER, TRADES, Cost, Exchange, Raw
from shared.feed.answers import Answers
from shared.feed.auditing import Auditing
from shared.feed.backfills import Backfills
from shared.feed.board import Board
from shared.feed.books import Books, Reason
from shared.feed.chores import Chores
from shared.feed.counts import Counts
from shared.feed.following import Following
from shared.feed.parts import Parts
from shared.feed.peers import Peers
from shared.feed.questions import Questions
from shared.feed.rows import FeedRows
from shared.feed.sequencer import ACCEPTED, BOOKLESS, Verdict
from shared.feed.standing import Standing
from shared.feed.statuses import Statuses
from shared.feed.subscriptions import Subscriptions
from shared.feed.tickers import Tickers
from shared.feed.trades import Trades
from shared.feed.watchdog import Watchdog

CHORES_S: Final = 0.1  # between two rounds of chores
CALM_CHORES_S: Final = 0.5  # while no request is open
OVERTAKEN_MAX: Final = 256  # unseen deltas that a snapshot over REST may overtake


class Feed:
    """One connection's subscriptions, books, trades and tickers; the recorder's thread owns it."""

    def __init__(
        self,
        exchange: Exchange,
        board: Board,
        *,
        spend: Callable[[Cost], float],
        ban: Callable[[float], None],
        stale_after_s: float,
        checkpoint_interval_s: float,
        peers: Peers | None = None,
    ) -> None:
        """Prepare for what the board wants, on the next connection.

        `spend` takes points off the limit (0.0, or the seconds to wait); `ban` silences the others.
        `peers` holds the objects that the feeds of one ingest share.
        """
        self.messages = 0  # received so far
        self.counts = Counts()  # of messages that become no event
        self._exchange, self._board, self._ban = exchange, board, ban
        self._rows = FeedRows()
        self._symbols: dict[str, str] = {}  # raw symbol -> ours, of all that we follow
        depth = None if exchange.snapshot_by == "first" else exchange.depth
        overtaken = OVERTAKEN_MAX if exchange.snapshot_by == "rest" else 0
        self._books = Books(
            self._rows, self._resync, window=exchange.window, depth=depth, overtaken_max=overtaken
        )
        self._trades = Trades(self._rows, begin_with_list=exchange.ready == "data")
        self._tickers = Tickers(self._rows)
        self._subscriptions = Subscriptions(exchange, board.channels)
        hold, wanted = self._books.hold_deltas, board.books_wanted
        self._questions = Questions(exchange, self._subscriptions, spend, hold, wanted)
        self._backfills = Backfills(self._trades, board, exchange)
        self._standing = Standing(board, self._books, self._subscriptions)
        parts = Parts(exchange, board, self._books, self._rows, self.counts)
        asking = self._questions, self._subscriptions
        self._following = Following(parts, self._trades, self._tickers, *asking)
        self._auditing = Auditing(parts, peers or Peers(exchange), spend, checkpoint_interval_s)
        self._statuses = Statuses(parts, self._questions, self._auditing.note_status)
        watchdog = self._watchdog = Watchdog(stale_after_s)
        self._answers = Answers(parts, self._questions, self._auditing, watchdog, self._data)
        self._ts, self._now_s, self._due_s, self._connection = 0, 0.0, 0.0, 0

    @property
    def is_flowing(self) -> bool:
        """Return whether data came on this connection."""
        return self._watchdog.is_flowing

    def show(self) -> None:
        """Put the feed's state on the board; this visits every book."""
        self._standing.show(self._symbols, self.messages, self.counts)

    def connected(self, ts: int, now_s: float, url: str, connection: int) -> list[Row]:
        """Begin on a new connection, which has this number in its session."""
        self._ts, self._now_s, self._due_s, self._connection = ts, now_s, now_s, connection
        self._row("connected", connection=connection, url=url)
        self._watchdog.connected(now_s)
        self._questions.connected(now_s)
        return self._rows.take()

    def connection_refused(self, ts: int, wait_s: float, reason: str) -> list[Row]:
        """Record that the exchange refuses connections for `wait_s`."""
        self._ts = ts
        self._row("rate_limited", wait_s=wait_s, reason=reason)
        return self._rows.take()

    def disconnected(self, ts: int, reason: str) -> list[Row]:
        """End all books and subscriptions: the connection is lost."""
        self._ts = ts
        self._lose_all("disconnected", reason=reason)
        return self._rows.take()

    def end(self, ts: int) -> list[Row]:
        """Record the backfills that stay unanswered: no other connection follows."""
        self._backfills.end(ts)
        return self._rows.take()

    def receive(self, ts: int, now_s: float, raws: Sequence[Raw]) -> list[Row]:
        """Return the rows of messages received together, at `ts`."""
        self._ts, self._now_s = ts, now_s
        self.messages += len(raws)
        parse, judge, note_read = self._exchange.parse, self._books.delta, self.counts.note_read
        deltas, is_alive = 0, False
        for raw in raws:
            try:
                messages = parse(raw)
            except MalformedMessage as error:
                self._malformed(error)
                continue
            first = messages[0] if messages else None
            if isinstance(first, Delta) and not first.unread:  # nearly always
                deltas += 1
            elif first is not None:
                note_read(first)
            for message in messages:
                if not isinstance(message, Delta):
                    self._handle(message)
                elif (verdict := judge(ts, message)) is ACCEPTED or self._is_data(message, verdict):
                    is_alive = True
        if is_alive:
            self._watchdog.data(now_s)
        if deltas:
            self.counts.read[BOOK] += deltas
        return self._rows.take()

    def has_chores(self, now_s: float) -> bool:
        """Return whether chores are due."""
        return now_s >= self._due_s or self._board.has_news()

    def chores(self, ts: int, now_s: float) -> Chores | None:
        """Do the chores that are due; return their result, or `None` if none were due."""
        if not self.has_chores(now_s):
            return None
        self._ts, self._now_s, self._due_s = ts, now_s, now_s + CHORES_S
        try:
            messages = self._do_chores(ts, now_s)
        except ConnectionLost as lost:
            return Chores(self._rows.take(), [], lost)
        if self._questions.is_calm():
            self._due_s = now_s + CALM_CHORES_S
        return Chores(self._rows.take(), messages)

    def _do_chores(self, ts: int, now_s: float) -> list[str]:
        if self._questions.may_not_ask(now_s):
            self._watchdog.wait_anew(now_s)
        silent_s = self._watchdog.silent_s(now_s)
        if silent_s is not None:
            self._lose_all("stale", silent_s=round(silent_s, 3))
            raise Stale(f"open, but silent for {silent_s:.1f} s")
        self._backfills.record(ts)
        self._answers.take_all(now_s)
        self._statuses.take_all(ts, now_s, self._symbols)
        self._auditing.look(ts, now_s)
        messages = self._questions.keep_alive(now_s)
        if self._questions.is_quiet(now_s):
            return messages
        messages += self._following.follow(ts)
        if self._following.symbols is not self._symbols:
            self._symbols = self._following.symbols
            self._auditing.follow(self._symbols)
        asked, refused = self._questions.due(now_s)
        for name, raw_symbol in refused:
            self._row("subscription_refused", raw_symbol, channel=name, reason="nothing came")
        for channel, count in self._subscriptions.settled(self._symbols):
            self._row("subscribed", connection=self._connection, channel=channel, symbols=count)
        if not self._questions.is_snapshot_due(now_s):
            asked += self._auditing.ask(now_s)
        return messages + asked

    def _handle(self, message: Snapshot | Trade | TradeList | Ticker | Notice) -> None:
        match message:
            case Snapshot():
                self._answers.take(self._ts, message, self._now_s)
            case Trade():
                if symbol := self._data(TRADES, message.raw_symbol):
                    self._trades.trade(self._ts, symbol, message)
            case TradeList():
                if symbol := self._data(TRADES, message.raw_symbol):
                    outage = self._trades.pop_outage(message.raw_symbol)
                    self._trades.trade_list(self._ts, symbol, message, outage)
            case Ticker():
                symbol = self._data(TICKER, message.raw_symbol, is_whole=message.is_whole)
                if symbol and (merged := self._tickers.ticker(self._ts, symbol, message)):
                    self._auditing.carry(self._ts, merged)
            case _:
                self._notice(message)

    def _notice(self, notice: Notice) -> None:
        match notice:
            case Subscribed():
                self._subscribed(notice)
            case Refused():
                self._refused(notice)
            case Throttled():
                self._rate_limited(notice)
            case _:
                (self.counts.chatter if notice.is_known else self.counts.unknown).note(notice.kind)

    def _is_data(self, delta: Delta, verdict: Verdict | None) -> bool:
        """Return whether a delta that continues no book proves that its subscription flows."""
        if verdict is None:
            self.counts.not_asked_for += 1
        elif verdict in BOOKLESS and self._questions.note_life(delta.raw_symbol, self._now_s):
            self._due_s = self._now_s
        # Until the subscription stands, a delta may precede the exchange's answer.
        return self._subscriptions.is_ready(BOOK, delta.raw_symbol)

    def _data(self, channel: str, raw_symbol: str, *, is_whole: bool = False) -> str | None:
        """Take note of data; return our symbol, or `None` if we do not record it."""
        if channel not in self._board.channels or raw_symbol not in self._symbols:
            self.counts.not_asked_for += 1
            return None
        if not self._subscriptions.note_data(channel, raw_symbol, is_whole=is_whole):
            self._watchdog.data(self._now_s)
        return self._symbols[raw_symbol]

    def _subscribed(self, notice: Subscribed) -> None:
        for raw_symbol in self._subscriptions.acknowledge(notice.channel, notice.raw_symbols):
            if notice.channel == BOOK:
                self._questions.begin_book(raw_symbol)
            elif notice.channel == TRADES:
                self._backfills.ask(self._symbols[raw_symbol], raw_symbol, self._now_s)

    def _refused(self, notice: Refused) -> None:
        self.counts.refused.note(notice.request)
        if notice.request == "subscribe":
            for raw_symbol in self._subscriptions.refuse(notice.raw_symbol, self._now_s):
                self._row("subscription_refused", raw_symbol, reason=notice.reason)
        elif not self._auditing.refuse(self._ts, notice, self._now_s):
            self._questions.refuse_snapshot(notice, self._now_s)
        elif notice.is_halted:
            self._questions.wait_for_trading(notice, self._now_s)
            self._board.is_list_wanted = True

    def _rate_limited(self, notice: Throttled) -> None:
        is_news = not self._questions.is_quiet(self._now_s)
        wait_s = self._questions.stop(notice, self._ts, self._now_s)
        if is_news:
            self._row("rate_limited", wait_s=wait_s, reason=notice.reason)
        self._ban(wait_s)

    def _malformed(self, error: MalformedMessage) -> None:
        self.counts.note_malformed(error)
        self._row("malformed", error.raw_symbol, **error.facts)
        if error.raw_symbol in self._symbols and BOOK in self._board.channels:
            self._books.doubt(error.raw_symbol, "malformed")

    def _resync(self, raw_symbol: str, reason: Reason) -> None:
        if self._questions.resync(raw_symbol, self._now_s):
            self._due_s = self._now_s
            if reason != "unknown":
                self._row("resync", raw_symbol, reason=reason)

    def _lose_all(self, kind: Kind, **detail: object) -> None:
        """Record the live books and why they end; forget all that the connection had."""
        ended = sorted(self._books.live())
        self._row(kind, None, connection=self._connection, symbols=ended, **detail)
        self._questions.clear()
        self._auditing.clear()
        self._books.clear()
        self._trades.lose_all(self._ts)
        self._tickers.clear()
        self._following.clear()
        self._symbols = {}

    def _row(self, kind: Kind, raw_symbol: str | None = None, **detail: object) -> None:
        symbol = self._symbols.get(raw_symbol) if raw_symbol else None
        self._rows.append((self._ts, symbol, feed_event(kind, **detail)))
