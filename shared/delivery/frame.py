"""A frame holds a batch of events: one record of the journal, one message of the pipe.

Events lie in columns, one group for each table. Book events outnumber all others a hundred times,
so their columns have the layout of Arrow: the writer joins the bytes, and makes no object for an
event or a level.

Only a flush decodes the events themselves (`Frame.events`). The fields that the journal, the pipe
and the writer need stand in front of them.
"""

from array import array
from bisect import bisect_left
from typing import Final, TypeVar

import msgspec
from msgspec import Raw, Struct

from booktape.errors import UNDECODABLE
from shared.errors import FrameError, UnknownFrameVersion

FRAME_VERSION: Final = 2
FRAME_VERSIONS_READ: Final = (1, 2)  # version 1 lacks the fields that have a default below
DAY_NS: Final = 86_400_000_000_000
FRAME_BYTES_MAX: Final = 256 * 1024 * 1024  # far above any book; a length above it is damage

DELTA, SNAPSHOT, CHECKPOINT = 0, 1, 2
NULL: Final = -(2**63)  # in a packed column: no number

# The types of an event's numbers, for `array` and `struct` alike, least significant byte first.
BOOK_CODES: Final = {
    "offset": "i",  # event number - `Frame.first`
    "ts_recv": "q",
    "symbol": "i",  # index into `Columns.symbols`
    "ts_event": "q",  # or NULL
    "sequence": "q",  # or NULL
    "epoch": "q",
    "kind": "b",  # DELTA, SNAPSHOT or CHECKPOINT
    "bids": "i",  # how many levels
    "asks": "i",
}
PREVIOUS_CODE: Final = "q"
LEVEL_CODE: Final = "d"  # price and size are two of it
LEVEL_BYTES: Final = 16


class BookColumns(Struct, array_like=True):
    """Book events; each has one entry in every column but the last two.

    `levels` has price and size of each level: of each event the bids first, then the asks.
    `previous` has the sequence that each delta follows, or NULL if that is its own less one; it is
    empty if that holds for all.
    """

    offset: bytes
    ts_recv: bytes
    symbol: bytes
    ts_event: bytes
    sequence: bytes
    epoch: bytes
    kind: bytes
    bids: bytes
    asks: bytes
    levels: bytes
    previous: bytes = b""


class TradeColumns(Struct, array_like=True):
    """Trades, one entry each."""

    offset: list[int]
    ts_recv: list[int]
    symbol: list[int]
    ts_event: list[int | None]
    trade_id: list[str]
    side: list[str | None]
    price: list[float]
    size: list[float]


class TickerColumns(Struct, array_like=True):
    """Tickers, one entry each: the whole state after the update."""

    offset: list[int]
    ts_recv: list[int]
    symbol: list[int]
    ts_event: list[int | None]
    bid_price: list[float | None]
    bid_size: list[float | None]
    ask_price: list[float | None]
    ask_size: list[float | None]
    last_price: list[float | None]


class InstrumentColumns(Struct, array_like=True):
    """Rows of an exchange's list of markets, one entry for each."""

    offset: list[int]
    ts_recv: list[int]
    symbol: list[int]
    raw_symbol: list[str]
    base: list[str]
    quote: list[str]
    status: list[str]
    price_decimals: list[int | None]
    size_decimals: list[int | None]
    price_increment: list[float | None]
    size_increment: list[float | None]
    min_size: list[float | None]
    max_size: list[float | None]
    min_notional: list[float | None]
    max_notional: list[float | None]
    reason: list[str]
    info: list[str]


class FeedEventColumns(Struct, array_like=True):
    """Rows about the feed itself; `symbol` is `None` if a row concerns the connection."""

    offset: list[int]
    ts_recv: list[int]
    symbol: list[int | None]
    kind: list[str]
    sequence_expected: list[int | None]
    sequence_received: list[int | None]
    detail: list[str]


class Columns(Struct, array_like=True):
    """The events of one frame; a table without events is `None`."""

    symbols: list[str]
    book: BookColumns | None
    trades: TradeColumns | None
    ticker: TickerColumns | None
    feed_events: FeedEventColumns | None
    instruments: InstrumentColumns | None = None


class Frame(Struct, frozen=True, array_like=True):
    """A contiguous range of a session's events, all received on one UTC date.

    `base` is the oldest event number from which the journal can still supply everything up to
    this frame; the sender sets it each time it sends.
    """

    version: int
    session: str
    base: int
    first: int
    last: int  # inclusive
    rows: int  # of the tape: a book event has one for each level, and at least one
    day: int  # of `ts_recv`, counted from 1970-01-01 UTC
    events: Raw


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)
_columns_decoder = msgspec.msgpack.Decoder(Columns)


def encode(frame: Frame) -> bytes:
    """Return the frame as MessagePack."""
    return _encoder.encode(frame)


def decode(data: bytes | memoryview) -> Frame:
    """Return the frame, its events still encoded.

    Raise `UnknownFrameVersion` for a version that this release cannot read, `FrameError` for
    anything else that is no frame.
    """
    try:
        frame = _decoder.decode(data)
    except UNDECODABLE as error:
        version = _version(data)
        if version is not None and version not in FRAME_VERSIONS_READ:
            raise UnknownFrameVersion(version) from None
        raise FrameError(f"not a frame: {error}") from None
    if frame.version not in FRAME_VERSIONS_READ:
        raise UnknownFrameVersion(frame.version)
    if not 0 <= frame.base <= frame.first <= frame.last:
        raise FrameError(
            f"a frame of {frame.session} has base {frame.base}, first {frame.first}, "
            f"last {frame.last}, which are out of order"
        )
    return frame


def decode_columns(frame: Frame) -> Columns:
    """Return the frame's events; raise `FrameError` if they are damaged."""
    try:
        columns = _columns_decoder.decode(frame.events)
    except UNDECODABLE as error:
        raise FrameError(f"the events of {frame.session} {frame.first}: {error}") from None
    return columns


def trim(frame: Frame, first: int) -> Frame:
    """Return the frame without the events before `first`.

    A replay may cut the events into other frames than the first sending did.
    """
    assert frame.first < first <= frame.last
    columns = decode_columns(frame)
    shift = first - frame.first
    kept = Columns(
        symbols=columns.symbols,
        book=columns.book and _trim_book(columns.book, shift),
        trades=columns.trades and _trim(columns.trades, shift),
        ticker=columns.ticker and _trim(columns.ticker, shift),
        feed_events=columns.feed_events and _trim(columns.feed_events, shift),
        instruments=columns.instruments and _trim(columns.instruments, shift),
    )
    return msgspec.structs.replace(
        frame,
        version=FRAME_VERSION,  # this release has encoded it anew
        first=first,
        rows=count_rows(kept),
        events=Raw(_encoder.encode(kept)),
    )


def count_rows(columns: Columns) -> int:
    """Return the number of rows that the events make on the tape; a book without levels is one."""
    book = columns.book
    rows = sum(b + a or 1 for b, a in zip(*_counts(book), strict=True)) if book else 0
    others = (columns.trades, columns.ticker, columns.instruments, columns.feed_events)
    return rows + sum(len(table.offset) for table in others if table)


def _counts(book: BookColumns) -> tuple["array[int]", "array[int]"]:
    return array(BOOK_CODES["bids"], book.bids), array(BOOK_CODES["asks"], book.asks)


_Table = TypeVar("_Table", TradeColumns, TickerColumns, InstrumentColumns, FeedEventColumns)


def _trim(table: _Table, shift: int) -> _Table | None:
    start = bisect_left(table.offset, shift)
    if start == len(table.offset):
        return None
    kept = type(table)(*(getattr(table, name)[start:] for name in table.__struct_fields__))
    kept.offset = [offset - shift for offset in kept.offset]
    return kept


def _trim_book(book: BookColumns, shift: int) -> BookColumns | None:
    columns = [array(code, getattr(book, name)) for name, code in BOOK_CODES.items()]
    bids, asks = _counts(book)
    levels = sum(bids) + sum(asks)
    previous = array(PREVIOUS_CODE, book.previous)
    columns += [previous] if previous else []
    if len(book.levels) != LEVEL_BYTES * levels or len(set(map(len, columns))) > 1:
        raise ValueError("columns of one table differ in length")
    start = bisect_left(columns[0], shift)
    if start == len(bids):
        return None
    kept = [column[start:] for column in columns]
    kept[0] = array(kept[0].typecode, [offset - shift for offset in kept[0]])
    begin = LEVEL_BYTES * (sum(bids[:start]) + sum(asks[:start]))
    packed = [column.tobytes() for column in kept]
    packed.insert(len(BOOK_CODES), book.levels[begin:])
    return BookColumns(*packed)


def _version(data: bytes | memoryview) -> int | None:
    try:
        first = msgspec.msgpack.decode(data)[0]
    except (*UNDECODABLE, LookupError, TypeError):
        return None
    return first if isinstance(first, int) else None
