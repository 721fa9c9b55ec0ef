"""BtcTurk's messages as events.

https://docs.btcturk.com/websocket-feed/models: every message is `[number, {...}]`; the number is
repeated inside as `type`, which nothing here looks at.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct, field
from msgspec.json import Decoder

from booktape.ladder import Level
from shared import form
from shared.errors import MalformedMessage
from shared.event import Chatter, Delta, Refused, Snapshot, Subscribed, Ticker, Trade, TradeList
from shared.exchange import BOOK, TICKER, TRADES, Message, Raw

_CHANNELS = {BOOK: "obdiff", TRADES: "trade", TICKER: "ticker"}
_OURS = {theirs: ours for ours, theirs in _CHANNELS.items()}
_ALL = "all"  # every ticker in one message (401): the load of a message each is the greater one
# What became of a level; 0 is updated, and there is no 2. A deleted one names the size it had.
# https://docs.btcturk.com/websocket-feed/channel-event-and-model
_DELETED = 3
_SIDES: Mapping[int | None, Literal["buy", "sell"] | None] = {1: "buy", 0: "sell", None: None}
_READ = frozenset({100, 401, 402, 421, 422, 431, 432})
# Requests and private matters, system messages that may come unasked (801, 802), the version.
_CHATTER = frozenset(
    {101, 111, 112, 113, 114, 151, 201, 411, 412, 423, 428, 441, 451, 452, 453, 801, 802, 991}
)

_JOINED = re.compile(r"join\|([a-z]{1,16}):(\S{1,64})")
_NUMBERS = {401: TICKER, 402: TICKER, 421: TRADES, 422: TRADES, 431: BOOK, 432: BOOK}
_NUMBER = re.compile(rb"\s*\[\s*(4[0-9]{2})\s*,")
_BOOK_SYMBOL = re.compile(rb'\s*\[\s*43[12]\s*,.*?"(?:PS|event)"\s*:\s*"([^"\\]{1,64})"', re.DOTALL)


class _Named(Struct, kw_only=True):
    """What names its symbol once or twice; `PS` was null in a frame of 2020."""

    symbol: str | None = field(name="PS", default=None)
    event: str = ""


class _Level(Struct, gc=False, kw_only=True):
    kind: Literal[0, 1, 3] = field(name="CP", default=1)
    price: form.Price = field(name="P")
    size: form.Number | Literal[""] = field(name="A", default="")


class _Change(_Level, gc=False, kw_only=True):
    kind: Literal[0, 1, 3] = field(name="CP")


class _AnyBook(_Named, kw_only=True):
    sequence: form.Sequence = field(name="CS")  # below zero where it overflowed, in 2020
    channel: str


class _Book(_AnyBook, kw_only=True):
    bids: list[_Level] = field(name="BO")
    asks: list[_Level] = field(name="AO")


class _Changes(_AnyBook, kw_only=True):
    bids: list[_Change] = field(name="BO")
    asks: list[_Change] = field(name="AO")


class _TradeItem(_Named, kw_only=True):
    time: form.MillisecondsText = field(name="D")
    id: form.TradeId = field(name="I")
    size: form.Number = field(name="A")
    price: form.Number = field(name="P")
    side: Literal[0, 1] | None = field(name="S", default=None)  # missing in 2020


class _TradeItems(Struct, kw_only=True):
    symbol: str | None = None
    event: str = ""
    items: list[_TradeItem]


class _TickerItem(_Named, kw_only=True):
    bid_price: form.Number | Literal[""] | None = field(name="B", default=None)
    bid_size: form.Number | Literal[""] | None = field(name="BA", default=None)  # missing in 2019
    ask_price: form.Number | Literal[""] | None = field(name="A", default=None)
    ask_size: form.Number | Literal[""] | None = field(name="AA", default=None)
    last_price: form.Number | Literal[""] | None = field(name="LA", default=None)


class _TickerItems(Struct):
    items: list[_TickerItem]


class _Result(Struct):
    ok: bool
    message: str


# One class for each number that we read: by it msgspec tells them apart, in one pass.
class _M100(Struct, array_like=True, tag=100):
    body: _Result


class _M401(Struct, array_like=True, tag=401):
    body: _TickerItems


class _M402(Struct, array_like=True, tag=402):
    body: _TickerItem


class _M421(Struct, array_like=True, tag=421):
    body: _TradeItems


class _M422(Struct, array_like=True, tag=422):
    body: _TradeItem


class _M431(Struct, array_like=True, tag=431):
    body: _Book


class _M432(Struct, array_like=True, tag=432):
    body: _Changes


class _Any(Struct, array_like=True):
    number: int
    body: dict[str, msgspec.Raw]


_decode = Decoder(_M432 | _M422 | _M402 | _M401 | _M431 | _M421 | _M100, strict=False).decode
_decode_any = Decoder(_Any).decode


def subscribe(channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    """Return one message for each channel and symbol, but one for the tickers of all symbols."""
    tickers = [_ask(TICKER, _ALL, join=True)] if TICKER in channels and raw_symbols else []
    return _ask_each(channels, raw_symbols, join=True) + tickers


def unsubscribe(channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    """Return one message for each channel and symbol; the tickers of all the others stay."""
    return _ask_each(channels, raw_symbols, join=False)


def parse(raw: Raw) -> list[Message]:
    """Return what one message says; raise `MalformedMessage` where it says nothing readable."""
    if len(raw) > form.MESSAGE_BYTES_MAX:
        raise form.too_long(raw)
    try:
        body = _decode(raw).body
    except form.UNDECODABLE as error:
        return [_parse_other(bytes(raw), str(error))]
    if isinstance(body, (_Changes, _Book)):
        return [_book(body, raw)]
    if isinstance(body, _TradeItem):
        return [_trade(_symbol(body, raw), body)]
    if isinstance(body, _TradeItems):
        return [_trade_list(body, raw)]
    if isinstance(body, _Result):
        return [_result(body)]
    items = body.items if isinstance(body, _TickerItems) else [body]
    return [_ticker(item, raw) for item in items]


def _ask_each(channels: Sequence[str], raw_symbols: Sequence[str], *, join: bool) -> list[str]:
    each = [channel for channel in channels if channel != TICKER]
    return [_ask(channel, raw_symbol, join=join) for channel in each for raw_symbol in raw_symbols]


def _ask(channel: str, event: str, *, join: bool) -> str:
    body = {"type": 151, "channel": _CHANNELS[channel], "event": event, "join": join}
    return msgspec.json.encode((151, body)).decode()


def _parse_other(raw: bytes, reason: str) -> Message:
    """Return chatter where the message is none that we read."""
    try:
        number = _decode_any(raw).number
    except form.UNDECODABLE:
        raise _malformed(reason, raw) from None
    if number in _READ:
        raise _malformed(reason, raw)
    return Chatter(str(number), is_known=number in _CHATTER)


def _book(body: _Book | _Changes, raw: Raw) -> Message:
    """Return the book or its change.

    The channel `orderbook`, which nobody asked for, counts its `CS` differently.
    """
    raw_symbol = _symbol(body, raw)
    if body.channel != _CHANNELS[BOOK]:
        return Chatter("book of another channel")
    try:
        bids, asks = [_level(bid) for bid in body.bids], [_level(ask) for ask in body.asks]
    except ValueError as error:
        raise form.malformed(str(error), raw, raw_symbol=raw_symbol, channel=BOOK) from None
    if isinstance(body, _Changes):
        return Delta(raw_symbol, bids, asks, body.sequence)
    return Snapshot(raw_symbol, bids, asks, body.sequence)


def _level(level: _Level) -> Level:
    size = 0.0 if level.kind == _DELETED else level.size
    if isinstance(size, str):
        raise ValueError("a level has no size")  # noqa: TRY004 (of the message)
    return level.price, size


def _trade(raw_symbol: str, item: _TradeItem) -> Trade:
    ts_event = form.to_ns(item.time)
    return Trade(raw_symbol, item.id, _SIDES[item.side], item.price, item.size, ts_event)


def _trade_list(body: _TradeItems, raw: Raw) -> TradeList:
    raw_symbol = _symbol(body, raw)
    trades = [_trade(raw_symbol, item) for item in body.items]
    # However few they are: the exchange has given lists of other lengths before.
    return form.trade_list(raw_symbol, trades, most=1)


def _ticker(item: _TickerItem, raw: Raw) -> Ticker:
    """Return the ticker; what is empty or missing was not said."""
    return Ticker(
        _symbol(item, raw),
        bid_price=_said(item.bid_price),
        bid_size=_said(item.bid_size),
        ask_price=_said(item.ask_price),
        ask_size=_said(item.ask_size),
        last_price=_said(item.last_price),
    )


def _said(number: float | Literal[""] | None) -> float | None:
    return None if number == "" else number


def _result(result: _Result) -> Message:
    """Return what became of a request: "join|obdiff:BTCUSDT", or "leave|...".

    A refusal is one word against one symbol; the tickers of all are refused where they stand.
    """
    joined = _JOINED.fullmatch(result.message)
    channel = _OURS.get(joined[1]) if joined else None
    if not joined or not channel:
        return Chatter("result")
    raw_symbols = [] if joined[2] == _ALL else [joined[2]]
    if result.ok:
        return Subscribed(channel, raw_symbols)
    if not raw_symbols:
        return Chatter("result")
    return Refused("subscribe", result.message, raw_symbols[0])


def _symbol(named: _Named | _TradeItems, raw: Raw) -> str:
    if raw_symbol := named.symbol or named.event:
        return raw_symbol
    raise form.malformed("it names no symbol", raw, channel=_channel(raw))


def _malformed(reason: str, raw: bytes) -> MalformedMessage:
    """Return the error; where the message is of a book, name the symbol if it can be read."""
    named = _BOOK_SYMBOL.match(raw)
    raw_symbol = named[1].decode(errors="replace") if named else None
    return form.malformed(reason, raw, raw_symbol=raw_symbol, channel=_channel(raw))


def _channel(raw: Raw) -> str | None:
    """Return the channel of a message that cannot be read, by its number."""
    number = _NUMBER.match(raw)
    return _NUMBERS.get(int(number[1])) if number else None
