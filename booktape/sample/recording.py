"""Makes the recording of one sample session: its events with their numbers."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from booktape.ladder import Ladder, Level
from booktape.sample.market import MarketHistory, Move

MILLISECOND_US: Final = 1000
LIST_TRADES: Final = 50  # trades in the list that begins a subscription
TICKER_MOVES: Final = 8  # from one ticker to the next
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SampleEvent(Struct):
    """One event: the columns of its table, and the levels of both sides for a book event."""

    table: str
    ts_recv: int  # µs
    symbol: str | None
    columns: dict[str, Any]
    levels: list[tuple[str, float, float]] = field(default_factory=list)


class SampleRecording:
    """One session of one line: its market data, and its rows about itself."""

    def __init__(self, exchange: str, line: str, start_us: int, *, latency_us: int) -> None:
        """Start at a time; `latency_us` is the way of each message from the exchange to us."""
        self.exchange = exchange
        start = _EPOCH + timedelta(microseconds=start_us)
        self.session = f"{start:%Y%m%dT%H%M%S.%fZ}-{exchange}-{line}"
        self.start_us = start_us
        self._latency_us = latency_us
        self._events: list[SampleEvent] = []

    # --- market data ---

    def follow(
        self,
        history: MarketHistory,
        begin_us: int,
        end_us: int,
        *,
        numbers_from: int | None = None,
        checkpoints: Iterable[int] = (),
    ) -> None:
        """Record the snapshot at `begin_us`, and each change up to `end_us`.

        `numbers_from`: the connection has its own sequences, from this number on.
        """
        ladder, last = history.book_at(begin_us)
        shift = 0 if numbers_from is None else numbers_from - last
        self._snapshot(begin_us, history.symbol, ladder, last + shift)
        due = sorted(checkpoints)
        for place, move in enumerate(_between(history.moves, begin_us, end_us)):
            while due and due[0] <= move.ts:
                ts = due.pop(0)
                ladder, last = history.book_at(ts)
                self._snapshot(ts, history.symbol, ladder, last + shift, is_checkpoint=True)
            self._delta(history.symbol, move, move.sequence + shift)
            if place % TICKER_MOVES == 0:
                self._ticker(history, move.ts)

    def poll(self, history: MarketHistory, moments: Iterable[int]) -> None:
        """Record the whole book at each of these times, without a sequence."""
        for moment in moments:
            self._snapshot(moment, history.symbol, history.book_at(moment)[0], None)

    def hear(
        self, history: MarketHistory, begin_us: int, end_us: int, *, since_us: int | None = None
    ) -> None:
        """Record each trade from `begin_us` to `end_us`.

        A list of the latest trades comes first, with those since `since_us`.
        """
        listed = [deal for deal in history.deals if (since_us or begin_us) < deal.ts <= begin_us]
        live = [deal for deal in history.deals if begin_us < deal.ts <= end_us]
        for deal in (*listed[-LIST_TRADES:], *live):
            columns = {
                "ts_event": _whole_millisecond(deal.ts),
                "trade_id": deal.trade_id,
                "side": deal.side,
                "price": deal.price,
                "size": deal.size,
            }
            ts_recv = max(deal.ts, begin_us) + self._latency_us
            self._events.append(SampleEvent("trades", ts_recv, history.symbol, columns))

    def list_market(
        self, ts: int, history: MarketHistory, *, status: str = "trading", reason: str = "start"
    ) -> None:
        """Record the exchange's description of a market."""
        base, _, quote = history.symbol.partition("-")
        columns = {
            "raw_symbol": history.symbol if self.exchange == "bitvavo" else base + quote,
            "base": base,
            "quote": quote,
            "status": status,
            "price_decimals": history.price_decimals,
            "size_decimals": 6,
            "price_increment": round(10.0**-history.price_decimals, history.price_decimals),
            "size_increment": 1e-06,
            "min_notional": 5.0,
            "reason": reason,
            "info": "{}",
        }
        self._events.append(SampleEvent("instruments", ts, history.symbol, columns))

    # --- rows about itself ---

    def note(
        self,
        ts: int,
        kind: str,
        symbol: str | None = None,
        *,
        expected: int | None = None,
        received: int | None = None,
        **detail: Any,
    ) -> None:
        """Record a row about the session."""
        columns = {
            "kind": kind,
            "sequence_expected": expected,
            "sequence_received": received,
            "detail": detail,
        }
        self._events.append(SampleEvent("feed_events", ts, symbol, columns))

    def end(self, ts: int, reason: str) -> None:
        """End the session; messages not read by then are lost."""
        self._events = [event for event in self._events if event.ts_recv <= ts]
        self.note(ts, "session_end", reason=reason)

    def end_killed(self, killed_us: int, next_start_us: int) -> None:
        """End a killed session; the next session of its line records that end."""
        self._events = [event for event in self._events if event.ts_recv <= killed_us]
        self.note(next_start_us, "session_end", reason="killed")

    def number(self) -> list[SampleEvent]:
        """Return the events in the order of their times; an event's place is its number."""
        events = sorted(self._events, key=lambda event: event.ts_recv)  # stable
        epochs: dict[str | None, int] = {}
        for number, event in enumerate(events):
            columns = event.columns
            if event.table == "book":
                if columns["is_snapshot"] and not columns["is_checkpoint"]:
                    epochs[event.symbol] = number
                columns["epoch"] = epochs[event.symbol]
            elif event.table == "feed_events":
                if columns["kind"] == "session_end":
                    columns["detail"]["events"] = number + 1
                columns["detail"] = msgspec.json.encode(columns["detail"]).decode()
        return events

    # --- one event ---

    def _snapshot(
        self,
        ts: int,
        symbol: str,
        ladder: Ladder,
        sequence: int | None,
        *,
        is_checkpoint: bool = False,
    ) -> None:
        bids = sorted(ladder.bids.items(), reverse=True)
        columns = {
            # An answer has no exchange time, and a checkpoint is our own.
            "sequence": sequence,
            "is_snapshot": True,
            "is_checkpoint": is_checkpoint,
        }
        levels = _sides(bids, sorted(ladder.asks.items()))
        ts_recv = ts + self._latency_us
        self._events.append(SampleEvent("book", ts_recv, symbol, columns, levels))

    def _delta(self, symbol: str, move: Move, sequence: int) -> None:
        columns = {
            "ts_event": _whole_millisecond(move.ts),
            "sequence": sequence,
            "is_snapshot": False,
            "is_checkpoint": False,
        }
        levels = _sides(move.bids, move.asks)
        ts_recv = move.ts + self._latency_us
        self._events.append(SampleEvent("book", ts_recv, symbol, columns, levels))

    def _ticker(self, history: MarketHistory, ts: int) -> None:
        ladder, _ = history.book_at(ts)
        bid, ask = max(ladder.bids), min(ladder.asks)
        past = [deal.price for deal in history.deals if deal.ts <= ts]
        columns = {
            "bid_price": bid,
            "bid_size": ladder.bids[bid],
            "ask_price": ask,
            "ask_size": ladder.asks[ask],
            "last_price": past[-1] if past else None,
        }
        ts_recv = ts + self._latency_us
        self._events.append(SampleEvent("ticker", ts_recv, history.symbol, columns))


def _between(moves: Iterable[Move], begin_us: int, end_us: int) -> list[Move]:
    return [move for move in moves if begin_us < move.ts <= end_us]


def _sides(bids: Iterable[Level], asks: Iterable[Level]) -> list[tuple[str, float, float]]:
    """Return the levels of both sides, each with its side."""
    return [("bid", *level) for level in bids] + [("ask", *level) for level in asks]


def _whole_millisecond(ts: int) -> int:
    """Return a time in whole milliseconds, as exchanges send it."""
    return ts // MILLISECOND_US * MILLISECOND_US
