"""Builds frames: numbers the events of one session, then packs them."""

import struct
import sys
from itertools import chain
from typing import Final

from msgspec import Raw, msgpack

from booktape.ladder import Level
from shared.delivery.frame import (
    BOOK_CODES,
    CHECKPOINT,
    DAY_NS,
    DELTA,
    FRAME_VERSION,
    LEVEL_BYTES,
    LEVEL_CODE,
    NULL,
    PREVIOUS_CODE,
    SNAPSHOT,
    BookColumns,
    Columns,
    FeedEventColumns,
    Frame,
    InstrumentColumns,
    TickerColumns,
    TradeColumns,
)
from shared.event import Checkpoint, Delta, FeedEvent, Instrument, Recorded, Snapshot, Ticker, Trade

assert sys.byteorder == "little"  # as `struct` packs on every machine that we run on

# Pack so many levels at once: one by one takes twice as long, and thousands of waiting objects
# would fill the CPU's caches.
LEVELS_PACKED_MIN: Final = 256

_EVENT_BYTES: Final = sum(map(struct.calcsize, BOOK_CODES.values()))
_TRADE_BYTES, _TICKER_BYTES, _INSTRUMENT_BYTES, _FEED_EVENT_BYTES = 100, 80, 180, 60  # roughly
_encoder = msgpack.Encoder()


class FrameBuilder:
    """Gives every event its number and its epoch; `take` packs the latest events into a frame."""

    def __init__(self, session: str, first: int = 0) -> None:
        """Begin at event number `first`; no symbol has a book yet."""
        self.session = session
        self.next_number = first
        self._epochs: dict[str, int] = {}
        self._reset()

    def _reset(self) -> None:
        self.first = self.next_number
        self.bytes = 0  # the rough size of the next frame
        # The bounds of the frame's UTC day, ns; the day is empty before the first event.
        self.begin = self.end = 0
        self._symbols: dict[str, int] = {}
        self._book: list[tuple[int, ...]] = []  # one row each, in the order of `BOOK_CODES`
        self._book_rows = 0
        self._previous: dict[int, int] = {}  # of a delta, by its place in the book's rows
        self._levels: list[Level] = []  # not packed yet
        self._packed_levels: list[bytes] = []
        self._trades: TradeColumns | None = None
        self._ticker: TickerColumns | None = None
        self._instruments: InstrumentColumns | None = None
        self._feed_events: FeedEventColumns | None = None

    def add(self, ts_recv: int, symbol: str | None, event: Recorded) -> int:
        """Add an event, the first or one from `begin` to `end`; return its number."""
        if self.next_number == self.first:
            self.begin = ts_recv - ts_recv % DAY_NS
            self.end = self.begin + DAY_NS
        assert self.begin <= ts_recv < self.end
        if symbol is None:
            assert isinstance(event, FeedEvent)
            self._add_feed_event(ts_recv, None, event)
        else:
            symbols = self._symbols
            index = symbols.setdefault(symbol, len(symbols))
            match event:
                case Delta():
                    previous = event.previous
                    if previous is not None and previous != event.sequence - 1:
                        self._previous[len(self._book)] = previous
                    self._add_book(ts_recv, index, event, DELTA, self._epochs[symbol])
                case Snapshot():
                    self._epochs[symbol] = self.next_number
                    self._add_book(ts_recv, index, event, SNAPSHOT, self.next_number)
                case Checkpoint():
                    self._add_book(ts_recv, index, event, CHECKPOINT, self._epochs[symbol])
                case Trade():
                    self._add_trade(ts_recv, index, event)
                case Ticker():
                    self._add_ticker(ts_recv, index, event)
                case Instrument():
                    self._add_instrument(ts_recv, index, event)
                case _:
                    self._add_feed_event(ts_recv, index, event)
        self.next_number += 1
        return self.next_number - 1

    def take(self, base: int) -> Frame:
        """Return a frame of all events added since the last frame, at least one."""
        assert self.next_number > self.first
        columns = Columns(
            symbols=list(self._symbols),
            book=self._pack_book() if self._book else None,
            trades=self._trades,
            ticker=self._ticker,
            feed_events=self._feed_events,
            instruments=self._instruments,
        )
        frame = Frame(
            version=FRAME_VERSION,
            session=self.session,
            base=base,
            first=self.first,
            last=self.next_number - 1,
            rows=self._book_rows + self.next_number - self.first - len(self._book),
            day=self.begin // DAY_NS,
            events=Raw(_encoder.encode(columns)),
        )
        self._reset()
        return frame

    def _add_book(
        self, ts_recv: int, index: int, event: Delta | Snapshot | Checkpoint, kind: int, epoch: int
    ) -> None:
        bids, asks, waiting = event.bids, event.asks, self._levels
        bids_count, asks_count = len(bids), len(asks)
        levels = bids_count + asks_count
        ts_event, sequence = event.ts_event, event.sequence
        self._book.append(
            (
                self.next_number - self.first,
                ts_recv,
                index,
                NULL if ts_event is None else ts_event,
                NULL if sequence is None else sequence,
                epoch,
                kind,
                bids_count,
                asks_count,
            )
        )
        self._book_rows += levels or 1
        self.bytes += _EVENT_BYTES + LEVEL_BYTES * levels
        waiting += bids
        waiting += asks
        if len(waiting) >= LEVELS_PACKED_MIN:
            self._pack_levels()

    def _pack_levels(self) -> None:
        numbers = chain.from_iterable(self._levels)
        code = f"{2 * len(self._levels)}{LEVEL_CODE}"
        self._packed_levels.append(struct.pack(code, *numbers))
        self._levels.clear()

    def _pack_book(self) -> BookColumns:
        self._pack_levels()
        columns = zip(BOOK_CODES.values(), zip(*self._book, strict=True), strict=True)
        packed = [struct.pack(f"{len(column)}{code}", *column) for code, column in columns]
        packed.append(b"".join(self._packed_levels))
        if self._previous:
            named = [self._previous.get(place, NULL) for place in range(len(self._book))]
            packed.append(struct.pack(f"{len(named)}{PREVIOUS_CODE}", *named))
        return BookColumns(*packed)

    def _add_trade(self, ts_recv: int, index: int, trade: Trade) -> None:
        table = self._trades = self._trades or TradeColumns([], [], [], [], [], [], [], [])
        table.offset.append(self.next_number - self.first)
        table.ts_recv.append(ts_recv)
        table.symbol.append(index)
        table.ts_event.append(trade.ts_event)
        table.trade_id.append(trade.trade_id)
        table.side.append(trade.side)
        table.price.append(trade.price)
        table.size.append(trade.size)
        self.bytes += _TRADE_BYTES

    def _add_ticker(self, ts_recv: int, index: int, ticker: Ticker) -> None:
        table = self._ticker = self._ticker or TickerColumns([], [], [], [], [], [], [], [], [])
        table.offset.append(self.next_number - self.first)
        table.ts_recv.append(ts_recv)
        table.symbol.append(index)
        table.ts_event.append(ticker.ts_event)
        table.bid_price.append(ticker.bid_price)
        table.bid_size.append(ticker.bid_size)
        table.ask_price.append(ticker.ask_price)
        table.ask_size.append(ticker.ask_size)
        table.last_price.append(ticker.last_price)
        self.bytes += _TICKER_BYTES

    def _add_instrument(self, ts_recv: int, index: int, instrument: Instrument) -> None:
        table = self._instruments = self._instruments or InstrumentColumns(
            *([] for _ in InstrumentColumns.__struct_fields__)
        )
        table.offset.append(self.next_number - self.first)
        table.ts_recv.append(ts_recv)
        table.symbol.append(index)
        for name in Instrument.__struct_fields__:
            getattr(table, name).append(getattr(instrument, name))
        self.bytes += _INSTRUMENT_BYTES + len(instrument.info)

    def _add_feed_event(self, ts_recv: int, index: int | None, event: FeedEvent) -> None:
        table = self._feed_events = self._feed_events or FeedEventColumns(
            [], [], [], [], [], [], []
        )
        table.offset.append(self.next_number - self.first)
        table.ts_recv.append(ts_recv)
        table.symbol.append(index)
        table.kind.append(event.kind)
        table.sequence_expected.append(event.sequence_expected)
        table.sequence_received.append(event.sequence_received)
        table.detail.append(event.detail)
        self.bytes += _FEED_EVENT_BYTES + len(event.detail)
