"""Parses BtcTurk's messages into events.

https://docs.btcturk.com/websocket-feed/models: every message is `[number, {...}]`; the object
repeats the number as `type`, which the parser ignores.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from booktape.ladder import Level
from services.ingest_btcturk import wire
from shared import form
from shared.errors import MalformedMessage
from shared.event import Chatter, Delta, Refused, Snapshot, Subscribed, Ticker, Trade, TradeList
from shared.exchange import BOOK, TICKER, TRADES, Message, Raw

_Side = tuple[form.Quote, form.Quote]  # of a ticker: price and size
_CHANNELS = {BOOK: "obdiff", TRADES: "trade", TICKER: "ticker"}
_OURS = {theirs: ours for ours, theirs in _CHANNELS.items()}
_ALL = "all"  # every ticker in one message (401): a message for each would cost more
# The kind of a change: 0 is updated, 1 added, 3 deleted. A deleted level has its last size.
# https://docs.btcturk.com/websocket-feed/channel-event-and-model
_DELETED = 3
_SIDES: Mapping[object, form.Side] = {1: "buy", 0: "sell", "1": "buy", "0": "sell"}
_READ = frozenset({100, 401, 402, 421, 422, 431, 432})
# Requests, private messages, system messages that may come unasked (801, 802), the version.
_CHATTER = frozenset(
    {101, 111, 112, 113, 114, 151, 201, 411, 412, 423, 428, 441, 451, 452, 453, 801, 802, 991}
)

_JOINED = re.compile(r"join\|([a-z]{1,16}):(\S{1,64})")
_NUMBERS = {401: TICKER, 402: TICKER, 421: TRADES, 422: TRADES, 431: BOOK, 432: BOOK}
_NUMBER = re.compile(rb"\s*\[\s*(4[0-9]{2})\s*,")
_BOOK_SYMBOL = re.compile(rb'\s*\[\s*43[12]\s*,.*?"(?:PS|event)"\s*:\s*"([^"\\]{1,64})"', re.DOTALL)


def subscribe(channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    """Return one message for each channel and symbol, but a single one for all tickers."""
    tickers = [_ask(TICKER, _ALL, join=True)] if TICKER in channels and raw_symbols else []
    return _ask_each(channels, raw_symbols, join=True) + tickers


def unsubscribe(channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    """Return one message for each channel and symbol; keep the tickers of all symbols."""
    return _ask_each(channels, raw_symbols, join=False)


def subscribe_alone(channel: str, raw_symbol: str) -> list[str]:
    """Return the message that joins the ticker of one symbol (402)."""
    return [_ask(channel, raw_symbol, join=True)]


def unsubscribe_alone(channel: str, raw_symbol: str) -> list[str]:
    """Return the message that leaves the ticker of one symbol (402)."""
    return [_ask(channel, raw_symbol, join=False)]


def renew_all(channel: str) -> list[str]:
    """Return the messages that leave the tickers of all symbols (401) and join them again."""
    return [_ask(channel, _ALL, join=join) for join in (False, True)]


def parse(raw: Raw) -> list[Message]:
    """Return the content of one message; raise `MalformedMessage` if it is unreadable."""
    if len(raw) > form.MESSAGE_BYTES_MAX:
        raise form.too_long(raw)
    try:
        body = wire.decode(raw).body
    except form.UNDECODABLE as error:
        return [_parse_other(bytes(raw), str(error))]
    if isinstance(body, (wire.ChangesBody, wire.BookBody)):
        return [_book(body, raw)]
    if isinstance(body, wire.TradeItem):
        return [_trade(_symbol(body, raw), body)]
    if isinstance(body, wire.TradeItems):
        return [_trade_list(body, raw)]
    if isinstance(body, wire.ResultBody):
        return [_result(body)]
    is_whole = isinstance(body, wire.TickerItems)
    items = body.items if isinstance(body, wire.TickerItems) else [body]
    return [_ticker(item, raw, is_whole=is_whole) for item in items or ()]


def _ask_each(channels: Sequence[str], raw_symbols: Sequence[str], *, join: bool) -> list[str]:
    each = [channel for channel in channels if channel != TICKER]
    return [_ask(channel, raw_symbol, join=join) for channel in each for raw_symbol in raw_symbols]


def _ask(channel: str, event: str, *, join: bool) -> str:
    body = {"type": 151, "channel": _CHANNELS[channel], "event": event, "join": join}
    return msgspec.json.encode((151, body)).decode()


def _parse_other(raw: bytes, reason: str) -> Message:
    """Return a message of a number that we ignore as chatter; raise for a broken message."""
    try:
        number = wire.decode_any(raw).number
    except form.UNDECODABLE:
        raise _malformed(reason, raw) from None
    if number in _READ:
        raise _malformed(reason, raw)
    return Chatter(str(number), is_known=number in _CHATTER)


def _book(body: wire.BookBody | wire.ChangesBody, raw: Raw) -> Message:
    """Return the book or its change.

    We never ask for the channel `orderbook`, whose `CS` counts differently.
    """
    raw_symbol = _symbol(body, raw)
    if body.channel != _CHANNELS[BOOK]:
        return Chatter("book of another channel")
    if body.bids is UNSET and body.asks is UNSET:
        reason = "it names no side of the book"
        raise form.malformed(reason, raw, raw_symbol=raw_symbol, channel=BOOK)
    try:
        bids, asks = _levels(body.bids or ()), _levels(body.asks or ())
    except TypeError:
        reason = "a level has no size"
        raise form.malformed(reason, raw, raw_symbol=raw_symbol, channel=BOOK) from None
    if isinstance(body, wire.ChangesBody):
        return Delta(raw_symbol, bids, asks, body.sequence)
    return Snapshot(raw_symbol, bids, asks, body.sequence)


def _levels(side: Iterable[wire.LevelItem]) -> list[Level]:
    """Return the levels of one side; raise `TypeError` if a level lacks a size."""
    # Without a size the field is a text, to which 0.0 cannot be added: the cheapest of all checks.
    return [
        (level.price, 0.0 if level.kind == _DELETED else level.size + 0.0)  # type: ignore[operator]
        for level in side
    ]


def _trade(raw_symbol: str, item: wire.TradeItem) -> Trade:
    ts = form.time_ns(item.time)
    side = form.taker_side(item.side, _SIDES)
    trade = Trade(raw_symbol, str(item.id), side, item.price, item.size, ts)
    if ts is None or side is None:
        unread = form.find_unread(ts, item.time, side, item.side)
        trade = replace(trade, unread=unread)
    return trade


def _trade_list(body: wire.TradeItems, raw: Raw) -> TradeList:
    raw_symbol = _symbol(body, raw)
    trades = [_trade(raw_symbol, item) for item in body.items or ()]
    # Accept even a short list: the exchange has sent lists of other lengths before.
    return form.trade_list(raw_symbol, trades, most=1)


def _ticker(item: wire.TickerItem, raw: Raw, *, is_whole: bool) -> Ticker:
    bid: _Side = item.bid_price, item.bid_size
    ask: _Side = item.ask_price, item.ask_size
    return form.ticker(_symbol(item, raw), bid, ask, item.last_price, is_whole=is_whole)


def _result(result: wire.ResultBody) -> Message:
    """Return the result of a request: "join|obdiff:BTCUSDT", or "leave|...".

    A refusal concerns one symbol; a refusal of all tickers is chatter.
    """
    joined = _JOINED.fullmatch(result.message) if isinstance(result.message, str) else None
    channel = _OURS.get(joined[1]) if joined else None
    if not joined or not channel:
        return Chatter("result")
    raw_symbols = [] if joined[2] == _ALL else [joined[2]]
    if result.ok:
        return Subscribed(channel, raw_symbols)
    if not raw_symbols:
        return Chatter("result")
    return Refused("subscribe", joined[0], raw_symbols[0])


def _symbol(named: wire.NamedItem | wire.TradeItems, raw: Raw) -> str:
    if raw_symbol := named.symbol or named.event:
        return raw_symbol
    raise form.malformed("it names no symbol", raw, channel=_channel(raw))


def _malformed(reason: str, raw: bytes) -> MalformedMessage:
    """Return the error; for a message about a book, name its symbol if it is readable."""
    named = _BOOK_SYMBOL.match(raw)
    raw_symbol = named[1].decode(errors="replace") if named else None
    return form.malformed(reason, raw, raw_symbol=raw_symbol, channel=_channel(raw))


def _channel(raw: Raw) -> str | None:
    """Return the channel of an unreadable message, by its number."""
    number = _NUMBER.match(raw)
    return _NUMBERS.get(int(number[1])) if number else None
