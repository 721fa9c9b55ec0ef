"""Bitvavo's messages as events.

https://docs.bitvavo.com/docs/websocket-api and https://docs.bitvavo.com/docs/errors
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from shared import form
from shared.errors import MalformedMessage
from shared.event import (
    Chatter,
    Delta,
    Notice,
    Refused,
    Snapshot,
    Subscribed,
    Throttled,
    Ticker,
    Trade,
    TradeList,
)
from shared.exchange import BOOK, TICKER, TRADES, ListedMarket, Message, Raw

DEPTH: Final = 1000  # levels a side: the most that the exchange gives, and its default
TRADES_MAX: Final = 1000  # in one answer
BAN_S: Final = 900.0  # of an address without a key: https://docs.bitvavo.com/docs/rate-limits
BAN_S_MIN: Final = 10.0  # a header in the past is no licence to knock without end
BAN_S_MAX: Final = 86_400.0

# Which number says "stop" has changed over the years (105, 110), so all of them do.
_RATE_LIMITED = frozenset({103, 105, 110, 112, 429})
_BANNED = frozenset({105, 110, 429})  # the others are of too many messages at once
_HALTED = 431
# By action; in a shape of the page of errors, by number.
_REQUESTS: Mapping[str | int, Literal["subscribe", "snapshot"]] = {
    "subscribe": "subscribe",
    205: "subscribe",
    "getBook": "snapshot",
    _HALTED: "snapshot",
}
# The request itself is wrong, or not for us; all others say that the exchange is busy or down.
_REQUEST_CODES = range(200, 400)
_CHATTER = frozenset(
    {"unsubscribed", "candle", "candles", "ticker24h", "authenticate", "unsubscribe"}
    | {"getTime", "getMarkets", "getAssets", "getTrades", "getCandles"}
    | {"getTickerPrice", "getTickerBook", "getTicker24h"}
)
_NS_MIN = 10**15  # less cannot be nanoseconds of this century

_MILLISECONDS = re.compile(r"[0-9]{13}")
_BAN_END = re.compile(r"expires at ([0-9]{13})\b")
_NAMED = re.compile(r"^market parameter (\S{1,64}) is invalid|\bfor (\S{1,64}) in state\b")
_ABOUT = re.compile(rb'"(?:event|action)"\s*:\s*"(book|getBook|trade|ticker)"')
_CHANNELS = {b"trade": TRADES, b"ticker": TICKER}
_MARKET = re.compile(rb'"market"\s*:\s*"([^"\\]{1,64})"')


class _Snapshot(Struct, kw_only=True):
    market: str
    nonce: form.Sequence
    bids: list[form.WireLevel]
    asks: list[form.WireLevel]
    timestamp: form.Nanoseconds | None = None


class _Book(_Snapshot, tag_field="event", tag="book", kw_only=True, rename="camel"):
    error_code: int | None = None


class _TradeRow(Struct, kw_only=True, rename="camel"):
    id: form.TradeId
    amount: form.Number
    price: form.Number
    side: Literal["buy", "sell"] | None = None
    timestamp: form.Milliseconds
    timestamp_ns: form.Nanoseconds | None = None


class _Trade(_TradeRow, tag_field="event", tag="trade", kw_only=True, rename="camel"):
    market: str
    error_code: int | None = None


class _Ticker(Struct, tag_field="event", tag="ticker", kw_only=True, rename="camel"):
    market: str
    best_bid: form.Number | None = None
    best_bid_size: form.Number | None = None
    best_ask: form.Number | None = None
    best_ask_size: form.Number | None = None
    last_price: form.Number | None = None
    error_code: int | None = None


class _Subscriptions(Struct):
    book: list[str] = []
    trades: list[str] = []
    ticker: list[str] = []


class _Reply(Struct, rename="camel", kw_only=True):
    """Whatever is no data: an error, the answer to an action, a confirmation."""

    error_code: int | None = None
    error: str = ""
    action: str | None = None
    event: str | None = None
    market: str | None = None
    response: msgspec.Raw = msgspec.Raw()
    subscriptions: _Subscriptions | None = None


class _Market(Struct):
    market: str
    status: str


_decode_pushed = Decoder(_Book | _Trade | _Ticker, strict=False).decode
_decode_reply = Decoder(_Reply).decode
_decode_snapshot = Decoder(_Snapshot, strict=False).decode
_decode_markets = Decoder(list[_Market] | _Market).decode
_decode_trades = Decoder(list[_TradeRow], strict=False).decode


def subscribe(channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    """Return one message for everything: it costs one point whatever it names."""
    return _ask("subscribe", channels, raw_symbols)


def unsubscribe(channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    """Return one message that ends all of these subscriptions."""
    return _ask("unsubscribe", channels, raw_symbols)


def request_snapshot(raw_symbol: str) -> str:
    """Return the message that asks for the whole book; the answer names its market."""
    return msgspec.json.encode({"action": "getBook", "market": raw_symbol, "depth": DEPTH}).decode()


def parse(raw: Raw) -> list[Message]:
    """Return what one message says; raise `MalformedMessage` where it says nothing readable."""
    if len(raw) > form.MESSAGE_BYTES_MAX:
        raise form.too_long(raw)
    try:
        pushed = _decode_pushed(raw)
    except form.UNDECODABLE as error:
        return _parse_reply(bytes(raw), str(error))
    if pushed.error_code is not None:
        return _parse_reply(bytes(raw), "an event with an error")
    if isinstance(pushed, _Book):
        ts_event = _to_ns(pushed.timestamp)
        return [Delta(pushed.market, pushed.bids, pushed.asks, pushed.nonce, ts_event)]
    if isinstance(pushed, _Trade):
        return [_trade(pushed.market, pushed)]
    bid, ask = (pushed.best_bid, pushed.best_bid_size), (pushed.best_ask, pushed.best_ask_size)
    return [Ticker(pushed.market, *bid, *ask, pushed.last_price)]


def parse_markets(raw: Raw) -> list[ListedMarket]:
    """Return the rows of `/markets`; asked for a single market it answers without a list.

    Of a row only name and status are believed: the types of all others have changed.
    """
    rows = form.decode(_decode_markets, raw)
    if isinstance(rows, _Market):
        rows = [rows]
    return [ListedMarket(row.market, row.market, row.status == "trading") for row in rows]


def parse_book(raw_symbol: str, raw: Raw) -> Snapshot:
    """Return the body of `/{market}/book`, which is that of `getBook` too."""
    body = form.decode(_decode_snapshot, raw)
    if body.market != raw_symbol:
        raise form.malformed(f"not the book of {raw_symbol}", raw)
    return _snapshot(body)


def parse_trades(raw_symbol: str, raw: Raw) -> TradeList:
    """Return the body of `/{market}/trades`, which begins with the newest."""
    trades = [_trade(raw_symbol, row) for row in form.decode(_decode_trades, raw)]
    return form.trade_list(raw_symbol, trades, most=TRADES_MAX)


def ban_s(status: int, headers: Mapping[str, str], raw: Raw, now_ns: int) -> float | None:
    """Return how long to stay away: the error's own word, else the header's, else 15 minutes.

    https://docs.bitvavo.com/docs/rate-limits
    """
    try:
        reply = _decode_reply(raw)
    except form.UNDECODABLE:
        reply = _Reply()  # a page of HTML by whatever stands before the exchange
    if status != 429 and reply.error_code not in _RATE_LIMITED:  # noqa: PLR2004 (of HTTP)
        return None
    until_ns = _ban_end(reply.error) or _reset_at(headers)
    if until_ns is None:
        return BAN_S
    return min(max((until_ns - now_ns) / 1e9, BAN_S_MIN), BAN_S_MAX)


def _ask(action: str, channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    if not channels or not raw_symbols:
        return []
    asked = [{"name": channel, "markets": raw_symbols} for channel in channels]
    return [msgspec.json.encode({"action": action, "channels": asked}).decode()]


def _parse_reply(raw: bytes, reason: str) -> list[Message]:
    """Return what a message without data says: by its error, else its action, else its event."""
    try:
        reply = _decode_reply(raw)
    except form.UNDECODABLE as error:
        raise _malformed(str(error), raw) from None
    if reply.error_code is not None:
        return [_parse_error(reply, reply.error_code)]
    if reply.action == "getBook":
        return [_parse_answer(reply, raw)]
    if reply.action is not None:
        return [Chatter(reply.action, is_known=reply.action in _CHATTER)]
    # One page shows the confirmation as `"event":"book"`:
    # https://docs.bitvavo.com/docs/websocket-api/book-subscription
    if reply.subscriptions is not None and reply.event in {"subscribed", "book"}:
        return list(_confirmations(reply.subscriptions))
    if reply.event is None or reply.event in {"subscribed", "book", "trade", "ticker"}:
        raise _malformed(reason, raw)
    return [Chatter(reply.event, is_known=reply.event in _CHATTER)]


def _parse_answer(reply: _Reply, raw: bytes) -> Snapshot:
    try:
        return _snapshot(_decode_snapshot(reply.response))
    except form.UNDECODABLE as error:
        raise _malformed(str(error), raw) from None


def _snapshot(body: _Snapshot) -> Snapshot:
    return Snapshot(body.market, body.bids, body.asks, body.nonce, _to_ns(body.timestamp))


def _parse_error(reply: _Reply, code: int) -> Notice:
    """Return the meaning of an error: https://docs.bitvavo.com/docs/errors."""
    reason = f"{code} {reply.error}"[: form.REASON_CHARACTERS_MAX]
    if code in _RATE_LIMITED:
        until_ns = _ban_end(reply.error)
        is_ban = until_ns is None and code in _BANNED
        return Throttled(reason, wait_s=BAN_S if is_ban else None, until_ns=until_ns)
    request = _REQUESTS.get(reply.action or code)
    # A busy engine is no word against the symbols that were asked for: no answer is the truth.
    is_final = code in _REQUEST_CODES or code == _HALTED
    if request is None or (request == "subscribe" and not is_final):
        return Chatter(f"error {code}" if code in range(1000) else "error")
    named = _NAMED.search(reply.error)
    raw_symbol = reply.market or (named and (named[1] or named[2])) or None
    return Refused(request, reason, raw_symbol, is_halted=code == _HALTED)


def _confirmations(subscriptions: _Subscriptions) -> Iterator[Subscribed]:
    # Everything that is subscribed on the socket now, not only what was added.
    for channel in (BOOK, TRADES, TICKER):
        if markets := getattr(subscriptions, channel):
            yield Subscribed(channel, markets)


def _trade(raw_symbol: str, row: _TradeRow) -> Trade:
    ts_event = row.timestamp_ns or form.to_ns(row.timestamp)
    return Trade(raw_symbol, row.id, row.side, row.price, row.amount, ts_event)


def _to_ns(timestamp: int | None) -> int | None:
    """Return the time of a book: nanoseconds, although the page's own example has 13 digits.

    What can be neither is no time. https://docs.bitvavo.com/docs/websocket-api/book-subscription
    """
    if timestamp is None or timestamp >= _NS_MIN:
        return timestamp
    return form.to_ns(timestamp) if timestamp <= form.MILLISECONDS_MAX else None


def _ban_end(error: str) -> int | None:
    end = _BAN_END.search(error)
    return form.to_ns(end[1]) if end else None


def _reset_at(headers: Mapping[str, str]) -> int | None:
    text = headers.get("bitvavo-ratelimit-resetat", "")
    return form.to_ns(text) if _MILLISECONDS.fullmatch(text) else None


def _malformed(reason: str, raw: bytes) -> MalformedMessage:
    """Return the error; where the message is about a book, name the market if it can be read."""
    about = _ABOUT.search(raw)
    channel = _CHANNELS.get(about[1], BOOK) if about else None
    market = _MARKET.search(raw) if channel == BOOK else None
    raw_symbol = market[1].decode(errors="replace") if market else None
    return form.malformed(reason, raw, raw_symbol=raw_symbol, channel=channel)
