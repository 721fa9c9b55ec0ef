"""Defines BtcTurk's messages on the wire, as msgspec decodes them.

Fields that only decorate an event, times and sides, may have any type: the parser checks them. An
empty list may be null or missing, as such encoders write it.
https://docs.btcturk.com/websocket-feed/models
"""

from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType, field
from msgspec.json import Decoder

from shared import form


class NamedItem(Struct, kw_only=True):
    """An item that names its symbol once or twice; `PS` was null in a frame of 2020."""

    symbol: str | None = field(name="PS", default=None)
    event: str | None = None


class LevelItem(Struct, gc=False, kw_only=True):
    """A level of a whole book."""

    kind: Literal[0, 1, 3] = field(name="CP", default=1)
    price: form.Price = field(name="P")
    size: form.Number | Literal[""] = field(name="A", default="")


class ChangeItem(LevelItem, gc=False, kw_only=True):
    """A level that changed, and how."""

    kind: Literal[0, 1, 3] = field(name="CP")


class AnyBookBody(NamedItem, kw_only=True):
    """The common fields of whole books and their changes."""

    sequence: form.Sequence = field(name="CS")  # below zero where it overflowed, in 2020
    channel: str


class BookBody(AnyBookBody, kw_only=True):
    """A whole book."""

    bids: list[LevelItem] | UnsetType | None = field(name="BO", default=UNSET)
    asks: list[LevelItem] | UnsetType | None = field(name="AO", default=UNSET)


class ChangesBody(AnyBookBody, kw_only=True):
    """The levels of a book that changed."""

    bids: list[ChangeItem] | UnsetType | None = field(name="BO", default=UNSET)
    asks: list[ChangeItem] | UnsetType | None = field(name="AO", default=UNSET)


class TradeItem(NamedItem, kw_only=True):
    """One trade."""

    time: object = field(name="D", default=None)
    id: form.TradeId = field(name="I")
    size: form.Number = field(name="A")
    price: form.Number = field(name="P")
    side: object = field(name="S", default=None)  # missing in 2020


class TradeItems(Struct, kw_only=True):
    """The trades that begin a subscription."""

    symbol: str | None = None
    event: str | None = None
    items: list[TradeItem] | None


class TickerItem(NamedItem, kw_only=True):
    """The ticker of one symbol."""

    bid_price: form.Quote = field(name="B", default=UNSET)
    bid_size: form.Quote = field(name="BA", default=UNSET)  # missing in 2019
    ask_price: form.Quote = field(name="A", default=UNSET)
    ask_size: form.Quote = field(name="AA", default=UNSET)
    last_price: form.Quote = field(name="LA", default=UNSET)


class TickerItems(Struct):
    """The tickers of all symbols."""

    items: list[TickerItem] | None


class ResultBody(Struct):
    """The result of a request."""

    ok: object
    message: object = None


# One class for each number that we read, so that msgspec finds the right one in one pass.
class _M100(Struct, array_like=True, tag=100):
    body: ResultBody


class _M401(Struct, array_like=True, tag=401):
    body: TickerItems


class _M402(Struct, array_like=True, tag=402):
    body: TickerItem


class _M421(Struct, array_like=True, tag=421):
    body: TradeItems


class _M422(Struct, array_like=True, tag=422):
    body: TradeItem


class _M431(Struct, array_like=True, tag=431):
    body: BookBody


class _M432(Struct, array_like=True, tag=432):
    body: ChangesBody


class AnyMessage(Struct, array_like=True):
    """A message of any number."""

    number: int
    body: dict[str, msgspec.Raw]


decode = Decoder(_M432 | _M422 | _M402 | _M401 | _M431 | _M421 | _M100, strict=False).decode
decode_any = Decoder(AnyMessage).decode
