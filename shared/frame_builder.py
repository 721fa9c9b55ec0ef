"""Events of one session, numbered and collected for its next frame."""

from typing import Final

from msgspec import Raw, msgpack

from shared.book import Checkpoint, Delta, Levels, Snapshot
from shared.event import FeedEvent, Ticker, Trade
from shared.frame import (
    CHECKPOINT,
    DAY_NS,
    DELTA,
    FRAME_VERSION,
    SNAPSHOT,
    BookColumns,
    Columns,
    FeedEventColumns,
    Frame,
    TickerColumns,
    TradeColumns,
)

Recorded = Snapshot | Delta | Checkpoint | Trade | Ticker | FeedEvent
"""What becomes an event of the tape."""

_EVENT_BYTES: Final = 48  # of an event's numbers in a frame, roughly
_EMPTY_LINE: Final = [""]  # of an event without levels
_encoder = msgpack.Encoder()


class FrameBuilder:
    """Gives every event its number and its epoch; `take` makes a frame of what came since."""

    def __init__(self, session: str, first: int = 0) -> None:
        """Begin at event number `first`; no symbol has a book yet."""
        self.session = session
        self.next_number = first
        self._epochs: dict[str, int] = {}
        self._reset()

    def _reset(self) -> None:
        self.first = self.next_number
        self.bytes = 0  # of the frame to come, roughly
        self._rows = 0
        self._day: int | None = None
        self._symbols: dict[str, int] = {}
        self._book = BookColumns([], [], [], [], [], [], [], [], [], "", "")
        self._prices: list[str] = []
        self._sizes: list[str] = []
        self._trades = TradeColumns([], [], [], [], [], [], [], [])
        self._ticker = TickerColumns([], [], [], [], [], [], [], [], [])
        self._feed_events = FeedEventColumns([], [], [], [], [], [], [])

    def fits(self, ts_recv: int) -> bool:
        """Return whether an event of this time may join the frame: a frame is of one UTC day."""
        return self._day is None or self._day == ts_recv // DAY_NS

    def add(self, ts_recv: int, symbol: str | None, event: Recorded) -> int:
        """Take an event that fits; return the number it got."""
        assert self.fits(ts_recv)
        self._day = ts_recv // DAY_NS
        number = self.next_number
        offset = number - self.first
        if symbol is None:
            assert isinstance(event, FeedEvent)
            self._add_feed_event(offset, ts_recv, None, event)
        else:
            index = self._symbols.setdefault(symbol, len(self._symbols))
            match event:
                case Delta():
                    epoch = self._epochs[symbol]
                    self._add_book(offset, ts_recv, index, event, DELTA, epoch)
                case Snapshot():
                    self._epochs[symbol] = number
                    self._add_book(offset, ts_recv, index, event, SNAPSHOT, number)
                case Checkpoint():
                    epoch = self._epochs[symbol]
                    self._add_book(offset, ts_recv, index, _as_text(event), CHECKPOINT, epoch)
                case Trade():
                    self._add_trade(offset, ts_recv, index, event)
                case Ticker():
                    self._add_ticker(offset, ts_recv, index, event)
                case _:
                    self._add_feed_event(offset, ts_recv, index, event)
        self.next_number = number + 1
        return number

    def take(self, base: int) -> Frame:
        """Return the frame of all events added since the last one; there must be some."""
        assert self._day is not None
        book = self._book
        if book.offset:
            book.price = "\n".join(self._prices) + "\n"
            book.size = "\n".join(self._sizes) + "\n"
        columns = Columns(
            symbols=list(self._symbols),
            book=book if book.offset else None,
            trades=self._trades if self._trades.offset else None,
            ticker=self._ticker if self._ticker.offset else None,
            feed_events=self._feed_events if self._feed_events.offset else None,
        )
        frame = Frame(
            version=FRAME_VERSION,
            session=self.session,
            base=base,
            first=self.first,
            last=self.next_number - 1,
            rows=self._rows,
            day=self._day,
            events=Raw(_encoder.encode(columns)),
        )
        self._reset()
        return frame

    def _add_book(  # noqa: PLR0917 (the hottest call of the ingest: no keywords)
        self, offset: int, ts_recv: int, index: int, event: Snapshot | Delta, kind: int, epoch: int
    ) -> None:
        book, levels = self._book, event.levels
        rows = len(levels.prices)
        book.offset.append(offset)
        book.ts_recv.append(ts_recv)
        book.symbol.append(index)
        book.ts_event.append(event.ts_event)
        book.sequence.append(event.sequence)
        book.epoch.append(epoch)
        book.kind.append(kind)
        book.bids.append(levels.bid_count)
        book.asks.append(rows - levels.bid_count)
        self._prices += levels.prices or _EMPTY_LINE
        self._sizes += levels.sizes or _EMPTY_LINE
        self._rows += rows or 1
        self.bytes += _EVENT_BYTES + 20 * rows

    def _add_trade(self, offset: int, ts_recv: int, index: int, trade: Trade) -> None:
        table = self._trades
        table.offset.append(offset)
        table.ts_recv.append(ts_recv)
        table.symbol.append(index)
        table.ts_event.append(trade.ts_event)
        table.trade_id.append(trade.trade_id)
        table.side.append(trade.side)
        table.price.append(trade.price)
        table.size.append(trade.size)
        self._rows += 1
        self.bytes += _EVENT_BYTES + 60

    def _add_ticker(self, offset: int, ts_recv: int, index: int, ticker: Ticker) -> None:
        table = self._ticker
        table.offset.append(offset)
        table.ts_recv.append(ts_recv)
        table.symbol.append(index)
        table.ts_event.append(ticker.ts_event)
        table.bid_price.append(ticker.bid_price)
        table.bid_size.append(ticker.bid_size)
        table.ask_price.append(ticker.ask_price)
        table.ask_size.append(ticker.ask_size)
        table.last_price.append(ticker.last_price)
        self._rows += 1
        self.bytes += _EVENT_BYTES + 50

    def _add_feed_event(
        self, offset: int, ts_recv: int, index: int | None, event: FeedEvent
    ) -> None:
        table = self._feed_events
        table.offset.append(offset)
        table.ts_recv.append(ts_recv)
        table.symbol.append(index)
        table.kind.append(event.kind)
        table.sequence_expected.append(event.sequence_expected)
        table.sequence_received.append(event.sequence_received)
        table.detail.append(event.detail)
        self._rows += 1
        self.bytes += _EVENT_BYTES + len(event.detail)


def _as_text(checkpoint: Checkpoint) -> Snapshot:
    """Return the checkpoint with the shortest text of each number, which Arrow reads back alike."""
    prices = [price for price, _ in (*checkpoint.bids, *checkpoint.asks)]
    sizes = [size for _, size in (*checkpoint.bids, *checkpoint.asks)]
    texts = list(map(repr, prices)), list(map(repr, sizes))
    levels = Levels(*texts, prices, sizes, len(checkpoint.bids))
    return Snapshot(checkpoint.raw_symbol, levels, checkpoint.sequence)
