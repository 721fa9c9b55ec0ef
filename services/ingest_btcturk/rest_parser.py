"""Parses BtcTurk's answers over REST into events.

https://docs.btcturk.com
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, Struct
from msgspec.json import Decoder

from shared import form
from shared.event import MarketStatus, Snapshot, Trade, TradeList
from shared.exchange import ListedMarket, Raw

DEPTH: Final = 100  # levels a side: the exchange's maximum
TRADES_MAX: Final = 50  # in one list
# A block lasts as long as the period of the limit: https://docs.btcturk.com/rate-limits
BLOCK_S: Final = 60.0
BLOCK_S_MAX: Final = 86_400.0

# On the wire we have only seen `TRADING`; the other names come from elsewhere.
_STATUSES: Mapping[str, MarketStatus] = {
    "TRADING": "trading",
    "BREAK": "halted",
    "HALT": "halted",
    "HALTED": "halted",
    "AUCTION": "auction",
}
_SIDES: Mapping[object, form.Side] = {"buy": "buy", "sell": "sell"}
_SECONDS = re.compile(r"[0-9]{1,9}")

_Data = TypeVar("_Data")


class _Answer(Struct):
    """The wrapper of every answer over REST; its code is 0 or a text, on success and failure."""

    success: bool
    data: msgspec.Raw = msgspec.Raw(b"null")
    message: object = None
    code: object = None


class _Filter(Struct, rename="camel"):
    min_exchange_value: object = None
    min_amount: object = None
    max_amount: object = None


class _Pair(Struct, rename="camel"):
    name: str
    numerator: str
    denominator: str
    status: object = None
    # The scales give the steps; `tickSize` is for display: 10 for BTCTRY.
    denominator_scale: object = None
    numerator_scale: object = None
    filters: list[_Filter] | None = None
    maximum_order_amount: object = None


class _Pairs(Struct):
    symbols: list[msgspec.Raw]


class _RestBook(Struct, kw_only=True):
    timestamp: object = None  # for years the exchange wrote 1647493701782.0
    bids: list[form.WireLevel]
    asks: list[form.WireLevel]


class _OddBook(Struct, kw_only=True):
    timestamp: object = None
    bids: form.OddSide = UNSET
    asks: form.OddSide = UNSET


class _RestTrade(Struct, kw_only=True):
    date: object = None
    tid: form.TradeId
    price: form.Number
    amount: form.Number
    side: object = None


_decode_answer = Decoder(_Answer).decode
_decode_pairs = Decoder(_Pairs).decode
_decode_pair = Decoder(_Pair).decode
_decode_book = Decoder(_RestBook, strict=False).decode
_decode_odd_book = Decoder(_OddBook, strict=False).decode
_decode_trades = Decoder(list[_RestTrade], strict=False).decode


def parse_markets(raw: Raw) -> list[ListedMarket]:
    """Return the pairs of `exchangeinfo`; only its fields show where to split a name."""
    rows = [bytes(row) for row in _open(_decode_pairs, raw).symbols]
    return [form.decode(_read_market, row) for row in rows]


def parse_book(raw_symbol: str, raw: Raw) -> Snapshot:
    """Return the body of `orderbook`, which has no number to place it in the stream."""
    return _open(partial(_read_book, raw_symbol), raw)


def parse_trades(raw_symbol: str, raw: Raw) -> TradeList:
    """Return the body of `trades`, which begins with the newest."""
    trades = [_trade(raw_symbol, row) for row in _open(_decode_trades, raw)]
    return form.trade_list(raw_symbol, trades, most=TRADES_MAX)


def ban_s(status: int, headers: Mapping[str, str], _raw: Raw, _now_ns: int) -> float | None:
    """Return how long to stay away: as the header says, else for the period of the limit.

    https://docs.btcturk.com/rate-limits
    """
    if status != 429:  # noqa: PLR2004 (of HTTP)
        return None
    text = headers.get("retry-after", "")
    wait_s = float(text) if _SECONDS.fullmatch(text) else BLOCK_S
    return min(max(wait_s, 1.0), BLOCK_S_MAX)


def _read_market(raw: Raw) -> ListedMarket:
    pair = _decode_pair(raw)
    price_decimals, price_increment = form.step_of(pair.denominator_scale)
    size_decimals, size_increment = form.step_of(pair.numerator_scale)
    status = pair.status if isinstance(pair.status, str) else ""
    bounds = pair.filters[0] if pair.filters else _Filter()
    max_size = form.number(bounds.max_amount)
    return ListedMarket(
        symbol=f"{pair.numerator}-{pair.denominator}",
        raw_symbol=pair.name,
        status=_STATUSES.get(status, "unknown"),
        raw_status=status[: form.STATUS_CHARACTERS_MAX],
        price_decimals=price_decimals,
        size_decimals=size_decimals,
        price_increment=price_increment,
        size_increment=size_increment,
        min_size=form.number(bounds.min_amount),
        max_size=form.number(pair.maximum_order_amount) if max_size is None else max_size,
        min_notional=form.number(bounds.min_exchange_value),
        info=form.info(raw),
    )


def _read_book(raw_symbol: str, raw: Raw) -> Snapshot:
    try:
        book = _decode_book(raw)
        time, bids, asks = book.timestamp, book.bids, book.asks
    except msgspec.ValidationError:
        odd = _decode_odd_book(raw)
        time, (bids, asks) = odd.timestamp, form.odd_levels(odd.bids, odd.asks)
    ts_event, unread = form.decorating_time(time)
    return Snapshot(raw_symbol, bids, asks, sequence=None, ts_event=ts_event, unread=unread)


def _trade(raw_symbol: str, row: _RestTrade) -> Trade:
    ts_event = form.time_ns(row.date)
    side = form.taker_side(row.side, _SIDES)
    unread = form.find_unread(ts_event, row.date, side, row.side)
    return Trade(raw_symbol, str(row.tid), side, row.price, row.amount, ts_event, unread)


def _open(decoder: Callable[[Raw], _Data], raw: Raw) -> _Data:
    """Return the data of a REST answer; raise for a failure, which may come as 200 OK."""
    answer = form.decode(_decode_answer, raw)
    if not answer.success:
        raise form.malformed(f"refused: {answer.code} {answer.message}", raw)
    return form.decode(decoder, bytes(answer.data))
