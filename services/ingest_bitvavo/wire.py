"""Defines Bitvavo's messages on the wire, as msgspec decodes them.

Fields that only decorate an event, times and sides, may have any type: the parser checks them.
https://docs.bitvavo.com/docs/websocket-api and https://docs.bitvavo.com/docs/errors
"""

import msgspec
from msgspec import UNSET, Struct
from msgspec.json import Decoder

from shared import form


class SnapshotBody(Struct, kw_only=True):
    """The answer to `getBook` and the body of `/{market}/book`."""

    market: str
    nonce: form.Sequence
    bids: list[form.WireLevel]
    asks: list[form.WireLevel]
    timestamp: object = None


class BookEvent(SnapshotBody, tag_field="event", tag="book", kw_only=True, rename="camel"):
    """The event of a book."""

    error_code: int | None = None


class TradeRow(Struct, kw_only=True, rename="camel"):
    """A row of `/{market}/trades`."""

    id: form.TradeId
    amount: form.Number
    price: form.Number
    side: object = None
    timestamp: object = None
    timestamp_ns: object = None


class TradeEvent(TradeRow, tag_field="event", tag="trade", kw_only=True, rename="camel"):
    """The event of a trade."""

    market: str
    error_code: int | None = None


class TickerEvent(Struct, tag_field="event", tag="ticker", kw_only=True, rename="camel"):
    """The event of a ticker; most have one side alone, or the last price."""

    market: str
    best_bid: form.Quote = UNSET
    best_bid_size: form.Quote = UNSET
    best_ask: form.Quote = UNSET
    best_ask_size: form.Quote = UNSET
    last_price: form.Quote = UNSET
    error_code: int | None = None


class OddSnapshotBody(Struct, kw_only=True):
    """A book whose levels have more than two items, or with a side null or missing."""

    market: str
    nonce: form.Sequence
    bids: form.OddSide = UNSET
    asks: form.OddSide = UNSET
    timestamp: object = None


class SubscriptionLists(Struct):
    """The subscriptions, of the channels that we know."""

    book: list[str] | None = None
    trades: list[str] | None = None
    ticker: list[str] | None = None


class Reply(Struct, rename="camel", kw_only=True):
    """Any message without market data: an error, the answer to an action, a confirmation."""

    error_code: int | None = None
    error: str | None = None
    action: str | None = None
    event: str | None = None
    market: str | None = None
    response: msgspec.Raw = msgspec.Raw()
    subscriptions: SubscriptionLists | None = None


class MarketRow(Struct, rename="camel"):
    """A row of `/markets`; the types of all fields but the name have changed over time."""

    market: str
    status: object = None
    tick_size: object = None
    quantity_decimals: object = None
    min_order_in_base_asset: object = None
    max_order_in_base_asset: object = None
    min_order_in_quote_asset: object = None
    max_order_in_quote_asset: object = None


decode_pushed = Decoder(BookEvent | TradeEvent | TickerEvent, strict=False).decode
decode_reply = Decoder(Reply).decode
decode_snapshot = Decoder(SnapshotBody, strict=False).decode
decode_odd_snapshot = Decoder(OddSnapshotBody, strict=False).decode
decode_rows = Decoder(list[msgspec.Raw]).decode
decode_market = Decoder(MarketRow).decode
decode_trades = Decoder(list[TradeRow], strict=False).decode
