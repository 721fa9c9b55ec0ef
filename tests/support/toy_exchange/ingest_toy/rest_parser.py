"""Parses the toy's answers over REST into events."""

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from shared import form
from shared.event import Snapshot
from shared.exchange import ListedMarket, Raw


class _Offer(Struct):
    p: form.Price
    q: form.Number


class _Book(Struct):
    rev: form.Sequence
    buy: list[_Offer]
    sell: list[_Offer]


class _Market(Struct):
    tree: str
    fruit: str
    pays: str
    is_open: bool


_decode_book: Final = Decoder(_Book, strict=False).decode
_decode_markets: Final = Decoder(list[_Market]).decode


def parse_book(raw_symbol: str, raw: Raw) -> Snapshot:
    """Return the body of `/book/{tree}`."""
    book = form.decode(_decode_book, raw)
    bids, asks = ([(one.p, one.q) for one in side] for side in (book.buy, book.sell))
    return Snapshot(raw_symbol, bids, asks, book.rev)


def parse_markets(raw: Raw) -> list[ListedMarket]:
    """Return the body of `/markets`."""
    return [
        ListedMarket(
            symbol=f"{one.fruit}-{one.pays}",
            raw_symbol=one.tree,
            status="trading" if one.is_open else "halted",
        )
        for one in form.decode(_decode_markets, raw)
    ]
