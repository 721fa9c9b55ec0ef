"""Counts each trade of a symbol once, and makes bars of them that know whether they are whole."""

from collections.abc import Iterable

from msgspec import Struct

from tests.support.reference.books import Books, grid
from tests.support.reference.rows import Event, Session

SECOND = 1_000_000
LOOK_BEFORE = 60 * SECOND
LOOK_AFTER = 25 * 3600 * SECOND
QUOTE_LATE = 5 * SECOND
NEVER = 1 << 62  # behind any time of a tape


class Trade(Struct):
    """A trade that counts: the row of it that came first."""

    ts: int
    row: Event

    @property
    def price(self) -> float:
        """Return its price."""
        return float(self.row.columns["price"])

    @property
    def size(self) -> float:
        """Return its size."""
        return float(self.row.columns["size"])

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Return what trades are ordered by (R11)."""
        return self.ts, self.row.ts_recv, self.row.session, self.row.number


class Bar(Struct):
    """The trades of one stretch of time; without a trade its prices are unknown."""

    ts: int
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    volume: float = 0.0
    buy_volume: float = 0.0
    quote_volume: float = 0.0
    count: int = 0
    ts_known: int | None = None
    is_whole: bool = True


class Quote(Struct, frozen=True):
    """The best prices just before a trade."""

    bid_price: float | None = None
    bid_size: float | None = None
    ask_price: float | None = None
    ask_size: float | None = None


class Trades:
    """One symbol of one exchange, from all of its sessions."""

    def __init__(self, sessions: Iterable[Session], symbol: str) -> None:
        self._sessions = list(sessions)
        self._symbol = symbol
        self._rows = [
            event
            for session in self._sessions
            for event in session.events
            if event.table == "trades" and event.symbol == symbol
        ]

    def between(self, start: int, end: int) -> list[Trade]:
        """Return the trades of a range (R11): each id once, by its first row, in their order."""
        firsts: dict[str, Event] = {}
        for row in sorted(self._rows, key=lambda row: (row.ts_recv, row.session, row.number)):
            if start - LOOK_BEFORE <= row.ts_recv <= end + LOOK_AFTER:
                firsts.setdefault(row.columns["trade_id"], row)
        trades = [
            Trade(_time(row), row)
            for row in firsts.values()
            if start <= _time(row) < end and row.ts_recv - _time(row) <= LOOK_AFTER
        ]
        return sorted(trades, key=lambda trade: trade.order)

    def bars(self, start: int, end: int, every: int) -> list[Bar]:
        """Return each bar that begins in the range, whole: left-closed and left-labelled (R11)."""
        starts = grid(start, end, every)
        if not starts:
            return []
        gaps, watched = self._find_gaps(), sorted(self._find_watched())
        bars = {}
        for ts in starts:
            # R14: no trade may be missing in it, and somebody must have watched all of it.
            is_torn = any(last < ts + every and first >= ts for last, first in gaps)
            bars[ts] = Bar(ts, is_whole=not is_torn and _is_within(ts, ts + every, watched))
        for trade in self.between(starts[0], starts[-1] + every):
            _add(bars[trade.ts // every * every], trade)
        return list(bars.values())

    def _find_gaps(self) -> list[tuple[int, int]]:
        """Return from the last known trade to the first behind it, of each gap of trades (R14)."""
        found = []
        for session in self._sessions:
            for event in session.events:
                is_gap = event.kind == "gap" and event.symbol == self._symbol
                if is_gap and event.detail.get("channel") == "trades":
                    said = event.detail
                    found.append(
                        (
                            self._time_of(said.get("last"), event, is_before=True),
                            self._time_of(said.get("first"), event, is_before=False),
                        )
                    )
        return found

    def _time_of(self, trade_id: str | None, gap: Event, *, is_before: bool) -> int:
        """Return a trade's time; where it is not on the tape, that of the gap's neighbour.

        A trade behind the gap may be another session's: after a handover this one has none.
        """
        for row in self._rows:
            if row.columns["trade_id"] == trade_id:
                return _time(row)
        own = [row for row in self._rows if row.session == gap.session]
        before = [_time(row) for row in own if row.number < gap.number]
        if is_before:
            return max(before, default=gap.ts_recv)
        after = [_time(row) for row in own if row.number > gap.number]
        others = [row for row in self._rows if row.session != gap.session]
        after += [_time(row) for row in others if row.ts_recv >= gap.ts_recv]
        return min(after, default=NEVER)

    def _find_watched(self) -> list[tuple[int, int]]:
        """Return the life of each session, and what its list of trades reached back over (R14).

        A list brings trades that are older than the session: it reaches from the oldest of
        them to the session's own beginning.
        """
        found = []
        for session in self._sessions:
            begin = min(event.ts_recv for event in _find_own(session))
            own = [row for row in self._rows if row.session == session.name]
            listed = [_time(row) for row in own if row.ts_recv - _time(row) <= LOOK_AFTER]
            found.append((min([begin, *listed]), _find_end(session)))
        return found


def quote_of(trade: Trade, books: Books) -> Quote:
    """Return the best prices 1 µs before the trade was received (R13)."""
    ts_event = trade.row.columns["ts_event"]
    if ts_event is not None and trade.row.ts_recv - ts_event > QUOTE_LATE:
        return Quote()
    book = books.book_at(trade.row.ts_recv - 1)
    if book is None:
        return Quote()
    bid = book.bids[0] if book.bids else (None, None)
    ask = book.asks[0] if book.asks else (None, None)
    return Quote(*bid, *ask)


def _time(row: Event) -> int:
    """R11: the time of a trade is the exchange's, and ours where it sends none."""
    ts_event = row.columns["ts_event"]
    return row.ts_recv if ts_event is None else int(ts_event)


def _is_within(start: int, end: int, stretches: list[tuple[int, int]]) -> bool:
    """Return whether stretches, in the order of their beginnings, cover a whole range."""
    known_to = start
    for begin, stop in stretches:
        if begin <= known_to:
            known_to = max(known_to, stop)
    return known_to >= end


def _find_end(session: Session) -> int:
    """Return the instant at which a session lived no more, by the reading that ends its spans.

    That is by the clock that it had then: times before its last step back do not count.
    """
    last = session.events[-1]
    if last.kind == "session_end" and last.detail["reason"] == "stopped":
        return last.ts_recv
    own = _find_own(session)
    steps = [
        place
        for place, event in enumerate(own)
        if event.kind == "clock_step" and event.detail["step_s"] < 0
    ]
    return max(event.ts_recv for event in own[steps[-1] if steps else 0 :]) + 1


def _find_own(session: Session) -> list[Event]:
    """Return the events of a session that it wrote itself."""
    written_later = {"session_end", "journal_hole"}
    return [event for event in session.events if event.kind not in written_later] or session.events


def _add(bar: Bar, trade: Trade) -> None:
    if bar.open is None or bar.high is None or bar.low is None:
        bar.open = bar.high = bar.low = trade.price
    bar.high = max(bar.high, trade.price)
    bar.low = min(bar.low, trade.price)
    bar.close = trade.price
    bar.volume += trade.size
    bar.quote_volume += trade.price * trade.size
    if trade.row.columns["side"] == "buy":
        bar.buy_volume += trade.size
    bar.count += 1
    bar.ts_known = max(bar.ts_known or 0, trade.row.ts_recv)
