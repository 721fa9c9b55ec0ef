"""Parses Bitvavo's messages into events.

https://docs.bitvavo.com/docs/websocket-api and https://docs.bitvavo.com/docs/errors
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from services.ingest_bitvavo import wire
from shared import form
from shared.errors import MalformedMessage
from shared.event import (
    Chatter,
    Delta,
    MarketStatus,
    Notice,
    Refused,
    Snapshot,
    Subscribed,
    Throttled,
    Trade,
    TradeList,
)
from shared.exchange import BOOK, TICKER, TRADES, ListedMarket, Message, Outage, Raw

DEPTH: Final = 1000  # levels a side: the exchange's maximum and default
TRADES_MAX: Final = 1000  # in one answer
# `start` and `end` are at most 24 hours apart; the end is ahead of our clock, which may be late.
TRADES_DAY_NS: Final = 86_400_000_000_000
TRADES_AHEAD_NS: Final = 60_000_000_000
TRADES_REACH_S: Final = (TRADES_DAY_NS - TRADES_AHEAD_NS) / 1e9
BAN_S: Final = 900.0  # of an address without a key: https://docs.bitvavo.com/docs/rate-limits
BAN_S_MIN: Final = 10.0  # even if the answer names an end in the past
BAN_S_MAX: Final = 86_400.0

# The number that means "stop" has changed over the years (105, 110), so take all of them.
_RATE_LIMITED = frozenset({103, 105, 110, 112, 429})
_BANNED = frozenset({105, 110, 429})  # the others mean too many messages at once
_HALTED = 431
# By the action, or by the number that one example on the page of errors has in its place.
_REQUESTS: Mapping[str | int, Literal["subscribe", "snapshot"]] = {
    "subscribe": "subscribe",
    205: "subscribe",
    "getBook": "snapshot",
    _HALTED: "snapshot",
}
# The request is wrong, or not allowed to us; every other code means a busy or failing exchange.
_REQUEST_CODES = range(200, 400)
_CHATTER = frozenset(
    {"unsubscribed", "candle", "candles", "ticker24h", "authenticate", "unsubscribe"}
    | {"getTime", "getMarkets", "getAssets", "getTrades", "getCandles"}
    | {"getTickerPrice", "getTickerBook", "getTicker24h"}
)
# https://docs.bitvavo.com/docs/rest-api/get-markets
_STATUSES: Mapping[str, MarketStatus] = {
    "trading": "trading",
    "halted": "halted",
    "auction": "auction",
    "auctionMatching": "auction",
    "cancelOnly": "cancel_only",
}
_SIDES: Mapping[object, Literal["buy", "sell"]] = {"buy": "buy", "sell": "sell"}

_RETRY_AFTER = re.compile(r"[0-9]{1,6}")
_BAN_END = re.compile(r"expires at ([0-9]{13})\b")
_NAMED = re.compile(r"^market parameter (\S{1,64}) is invalid|\bfor (\S{1,64}) in state\b")
_GOES_ON = re.compile(r"in state (?:AUCTION|CANCEL)", re.IGNORECASE)
_ABOUT = re.compile(rb'"(?:event|action)"\s*:\s*"(book|getBook|trade|ticker)"')
_CHANNELS = {b"trade": TRADES, b"ticker": TICKER}
_MARKET = re.compile(rb'"market"\s*:\s*"([^"\\]{1,64})"')


def subscribe(channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    """Return one message for all channels and symbols: it costs one point whatever it names."""
    return _ask("subscribe", channels, raw_symbols)


def unsubscribe(channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    """Return one message that ends all of these subscriptions."""
    return _ask("unsubscribe", channels, raw_symbols)


def request_snapshot(raw_symbol: str) -> str:
    """Return the request for the whole book; the answer names its market."""
    return msgspec.json.encode({"action": "getBook", "market": raw_symbol, "depth": DEPTH}).decode()


def parse(raw: Raw) -> list[Message]:
    """Return the content of one message; raise `MalformedMessage` if it is unreadable."""
    if len(raw) > form.MESSAGE_BYTES_MAX:
        raise form.too_long(raw)
    try:
        pushed = wire.decode_pushed(raw)
    except form.UNDECODABLE as error:
        return _parse_reply(bytes(raw), str(error))
    if pushed.error_code is not None:
        return _parse_reply(bytes(raw), "an event with an error")
    if type(pushed) is wire.BookEvent:
        time = pushed.timestamp
        if type(time) is not int or not form.CENTURY_BEGIN <= time < form.CENTURY_END:
            ts, unread = form.decorating_time(time)
        else:  # nearly always nanoseconds already, which need no call
            ts, unread = time, form.ALL_READ
        return [Delta(pushed.market, pushed.bids, pushed.asks, pushed.nonce, ts, None, unread)]
    if isinstance(pushed, wire.TradeEvent):
        return [_trade(pushed.market, pushed)]
    bid, ask = (pushed.best_bid, pushed.best_bid_size), (pushed.best_ask, pushed.best_ask_size)
    return [form.ticker(pushed.market, bid, ask, pushed.last_price)]


def parse_markets(raw: Raw) -> list[ListedMarket]:
    """Return the rows of `/markets`; for a single market the exchange answers without a list."""
    is_one = bytes(raw[:64]).lstrip().startswith(b"{")
    rows = [raw] if is_one else [bytes(row) for row in form.decode(wire.decode_rows, raw)]
    return [form.decode(_read_market, row) for row in rows]


def parse_book(raw_symbol: str, raw: Raw) -> Snapshot:
    """Return the body of `/{market}/book`, which is the same as that of `getBook`."""
    snapshot = form.decode(_read_snapshot, raw)
    if snapshot.raw_symbol != raw_symbol:
        raise form.malformed(f"not the book of {raw_symbol}", raw)
    return snapshot


def parse_trades(raw_symbol: str, raw: Raw) -> TradeList:
    """Return the body of `/{market}/trades`, which begins with the newest."""
    trades = [_trade(raw_symbol, row) for row in form.decode(wire.decode_trades, raw)]
    return form.trade_list(raw_symbol, trades, most=TRADES_MAX)


def trades_query(outage: Outage, ts: int) -> str:
    """Return the query for the trades since an outage, with those just before it as proof.

    It asks by time, because the trade of an id may be older than the list reaches back.
    https://docs.bitvavo.com/docs/rest-api/get-trades
    """
    end = ts + TRADES_AHEAD_NS
    before = outage.ts_lost - TRADES_AHEAD_NS
    start = before if outage.ts_event is None else min(before, outage.ts_event)
    start = max(start, end - TRADES_DAY_NS)
    return f"limit={TRADES_MAX}&start={start // form.NS_PER_MS}&end={end // form.NS_PER_MS}"


def ban_s(status: int, headers: Mapping[str, str], raw: Raw, now_ns: int) -> float | None:
    """Return how long to stay away: as the error says, else for 15 minutes.

    The header `bitvavo-ratelimit-resetat` is the next whole minute, not the end of a ban; an error
    105 or 110 with another status concerns only the one question ("Invalid endpoint").
    https://docs.bitvavo.com/docs/rate-limits
    """
    if status != 429:  # noqa: PLR2004 (of HTTP)
        return None
    try:
        reply = wire.decode_reply(raw)
    except form.UNDECODABLE:
        reply = wire.Reply()  # a page of HTML from a server before the exchange
    until_ns = _ban_end(reply.error)
    after = _RETRY_AFTER.fullmatch(headers.get("retry-after", ""))  # from such a server
    wait_s = float(after[0]) if after else BAN_S
    if until_ns is not None:
        wait_s = (until_ns - now_ns) / 1e9
    return min(max(wait_s, BAN_S_MIN), BAN_S_MAX)


def _read_market(raw: Raw) -> ListedMarket:
    """Return one row.

    `pricePrecision` counts significant digits, so it gives no price step.
    """
    row = wire.decode_market(raw)
    price_decimals, price_increment = form.step(row.tick_size)
    size_decimals, size_increment = form.step_of(row.quantity_decimals)
    status = row.status if isinstance(row.status, str) else ""
    return ListedMarket(
        symbol=row.market,
        raw_symbol=row.market,
        status=_STATUSES.get(status, "unknown"),
        raw_status=status[: form.STATUS_CHARACTERS_MAX],
        price_decimals=price_decimals,
        size_decimals=size_decimals,
        price_increment=price_increment,
        size_increment=size_increment,
        min_size=form.number(row.min_order_in_base_asset),
        max_size=form.number(row.max_order_in_base_asset),
        min_notional=form.number(row.min_order_in_quote_asset),
        max_notional=form.number(row.max_order_in_quote_asset),
        info=form.info(raw),
    )


def _ask(action: str, channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    if not channels or not raw_symbols:
        return []
    asked = [{"name": channel, "markets": raw_symbols} for channel in channels]
    return [msgspec.json.encode({"action": action, "channels": asked}).decode()]


def _parse_reply(raw: bytes, reason: str) -> list[Message]:
    """Return the meaning of a message without data, by its error, else its action or event."""
    try:
        reply = wire.decode_reply(raw)
    except form.UNDECODABLE as error:
        raise _malformed(str(error), raw) from None
    if reply.error_code is not None:
        return [_parse_error(reply, reply.error_code)]
    if reply.action == "getBook":
        return [_parse_answer(reply, raw)]
    if reply.action is not None:
        return [Chatter(reply.action, is_known=reply.action in _CHATTER)]
    # One page of the documents shows the confirmation as `"event":"book"`:
    # https://docs.bitvavo.com/docs/websocket-api/book-subscription
    if reply.subscriptions is not None and reply.event in {"subscribed", "book"}:
        return list(_confirmations(reply.subscriptions))
    if reply.event == "book":
        return [_parse_odd_delta(raw)]
    if reply.event is None or reply.event in {"subscribed", "trade", "ticker"}:
        raise _malformed(reason, raw)
    return [Chatter(reply.event, is_known=reply.event in _CHATTER)]


def _parse_answer(reply: wire.Reply, raw: bytes) -> Snapshot:
    try:
        return _read_snapshot(reply.response)
    except form.UNDECODABLE as error:
        raise _malformed(str(error), raw) from None


def _read_snapshot(raw: Raw) -> Snapshot:
    """Return a whole book, even of an odd shape, if its numbers are readable."""
    try:
        book = wire.decode_snapshot(raw)
    except msgspec.ValidationError:
        odd = wire.decode_odd_snapshot(raw)
        levels = form.odd_levels(odd.bids, odd.asks)
        return Snapshot(odd.market, *levels, odd.nonce, *form.decorating_time(odd.timestamp))
    time = form.decorating_time(book.timestamp)
    return Snapshot(book.market, book.bids, book.asks, book.nonce, *time)


def _parse_odd_delta(raw: bytes) -> Delta:
    try:
        odd = wire.decode_odd_snapshot(raw)
        levels = form.odd_levels(odd.bids, odd.asks)
    except form.UNDECODABLE as error:
        raise _malformed(str(error), raw) from None
    ts_event, unread = form.decorating_time(odd.timestamp)
    return Delta(odd.market, *levels, odd.nonce, ts_event, unread=unread)


def _parse_error(reply: wire.Reply, code: int) -> Notice:
    """Return the meaning of an error: https://docs.bitvavo.com/docs/errors."""
    reason = f"{code} {reply.error or ''}"[: form.REASON_CHARACTERS_MAX]
    if code in _RATE_LIMITED:
        until_ns = _ban_end(reply.error)
        is_ban = until_ns is None and code in _BANNED
        return Throttled(reason, wait_s=BAN_S if is_ban else None, until_ns=until_ns)
    request = _REQUESTS.get(reply.action or code)
    # A busy engine refuses no symbol: treat its error like a missing answer.
    is_final = code in _REQUEST_CODES or code == _HALTED
    if request is None or (request == "subscribe" and not is_final):
        return Chatter(f"error {code}" if code in range(1000) else "error")
    named = _NAMED.search(reply.error or "")
    raw_symbol = reply.market or (named and (named[1] or named[2])) or None
    # In an auction the exchange sends changes, but refuses the book.
    is_halted = code == _HALTED and not _GOES_ON.search(reply.error or "")
    return Refused(request, reason, raw_symbol, is_halted=is_halted)


def _confirmations(subscriptions: wire.SubscriptionLists) -> Iterator[Subscribed]:
    # The lists hold all subscriptions of the socket, not only the added ones.
    for channel in (BOOK, TRADES, TICKER):
        if markets := getattr(subscriptions, channel):
            yield Subscribed(channel, markets)


def _trade(raw_symbol: str, row: wire.TradeRow) -> Trade:
    ts = None if row.timestamp_ns is None else form.time_ns(row.timestamp_ns)
    ts = form.time_ns(row.timestamp) if ts is None else ts
    side = form.taker_side(row.side, _SIDES)
    is_read = ts is not None and side is not None
    unread = () if is_read else form.find_unread(ts, row.timestamp, side, row.side)
    return Trade(raw_symbol, str(row.id), side, row.price, row.amount, ts, unread)


def _ban_end(error: str | None) -> int | None:
    end = _BAN_END.search(error or "")
    return form.time_ns(int(end[1])) if end else None


def _malformed(reason: str, raw: bytes) -> MalformedMessage:
    """Return the error; for a message about a book, name its market if it is readable."""
    about = _ABOUT.search(raw)
    channel = _CHANNELS.get(about[1], BOOK) if about else None
    market = _MARKET.search(raw) if channel == BOOK else None
    raw_symbol = market[1].decode(errors="replace") if market else None
    return form.malformed(reason, raw, raw_symbol=raw_symbol, channel=channel)
