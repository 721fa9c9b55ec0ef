"""Parses the toy's messages into events."""

import re
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, field

from shared import form
from shared.errors import MalformedMessage
from shared.event import Chatter, Delta, Refused, Subscribed, Ticker, Trade
from shared.exchange import BOOK, Message, Raw

_Count = Annotated[int, Meta(ge=0, le=form.INT64_MAX)]


class _Offer(Struct):
    p: form.Price
    q: form.Number


class _Change(Struct, tag_field="kind", tag="change"):
    of: str
    first: form.Sequence = field(name="from")
    last: form.Sequence = field(name="to")
    buy: list[_Offer]
    sell: list[_Offer]


class _Fill(Struct, tag_field="kind", tag="fill"):
    of: str
    no: _Count
    p: form.Price
    q: form.Number
    by: object = None
    at: object = None


class _Top(Struct, tag_field="kind", tag="top"):
    of: str
    buy: form.Number
    sell: form.Number


class _Granted(Struct, tag_field="kind", tag="granted"):
    what: str
    of: list[str]


class _Denied(Struct, tag_field="kind", tag="denied"):
    of: str


class _Pong(Struct, tag_field="kind", tag="pong"):
    ping: int


class _Joke(Struct, tag_field="kind", tag="joke"):
    text: str


_SIDES: Final[dict[object, form.Side]] = {"buyer": "buy", "seller": "sell"}
_OF: Final = re.compile(rb'"kind": ?"change", ?"of": ?"([^"\\]{1,64})"')
_Said = _Change | _Fill | _Top | _Granted | _Denied | _Pong | _Joke
_decode: Final = msgspec.json.Decoder(_Said, strict=False).decode


def ask(verb: str, channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    """Return the message that wants, or drops, these channels of these trees."""
    if not (channels and raw_symbols):
        return []
    return [msgspec.json.encode({verb: list(channels), "of": list(raw_symbols)}).decode()]


def parse(raw: Raw) -> list[Message]:
    """Return what one message says."""
    try:
        said: _Said = form.decode(_decode, raw)
    except MalformedMessage as error:
        raise _about(error, raw) from None
    match said:
        case _Change(of, first, last, buy, sell):
            return [Delta(of, _levels(buy), _levels(sell), last, previous=first - 1)]
        case _Fill(of, no, price, size, by, at):
            ts_event, side = form.time_ns(at), form.taker_side(by, _SIDES)
            unread = form.find_unread(ts_event, at, side, by)
            return [Trade(of, str(no), side, price, size, ts_event, unread=unread)]
        case _Top(of, buy, sell):
            return [Ticker(of, bid_price=buy, ask_price=sell)]
        case _Granted(what, trees):
            return [Subscribed(what, trees)]
        case _Denied(of):
            return [Refused("subscribe", "denied", of)]
        case _Pong() | _Joke():
            return [Chatter(str(said.__struct_config__.tag))]


def _about(error: MalformedMessage, raw: Raw) -> MalformedMessage:
    """Return the error with the book that it is about, where that can be read."""
    found = _OF.search(bytes(raw[: form.REASON_CHARACTERS_MAX]))
    if found is None:
        return error
    return form.malformed(str(error), raw, raw_symbol=found[1].decode(), channel=BOOK)


def _levels(offers: list[_Offer]) -> list[tuple[float, float]]:
    return [(one.p, one.q) for one in offers]
