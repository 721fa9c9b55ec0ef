"""Checks the form of an exchange's messages before we use them."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from booktape import errors
from booktape.ladder import Level
from shared.errors import MalformedMessage
from shared.event import Ticker, Trade, TradeList
from shared.exchange import Raw

MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024  # forty times the longest message of any exchange
REASON_CHARACTERS_MAX: Final = 200
NUMBER_MAX: Final = 1e24
INT64_MAX: Final = 2**63 - 1  # sequences and times are int64 on the tape
NS_PER_MS: Final = 1_000_000
# Within this century the ranges of s, ms, us and ns since 1970 do not overlap, so the number shows
# its unit.
CENTURY_NS: Final = range(946_684_800_000_000_000, 4_102_444_800_000_000_000)
NUMBER_CHARACTERS_MAX: Final = 40
DECIMALS_MAX: Final = 30
STEP_MIN: Final = Decimal(1).scaleb(-DECIMALS_MAX)
STATUS_CHARACTERS_MAX: Final = 40  # of a market's status, as the exchange names it
INFO_CHARACTERS_MAX: Final = 4096  # of a market's row
CENTURY_BEGIN, CENTURY_END = CENTURY_NS.start, CENTURY_NS.stop
_UNITS_NS: Final = (1, NS_PER_MS, 1_000, 1_000_000_000)

UNDECODABLE: Final = errors.UNDECODABLE

Sequence = Annotated[int, Meta(ge=-INT64_MAX, le=INT64_MAX)]
# Exchanges write prices and sizes as text. A decoder that is not `strict` reads them, once and
# correctly rounded, and accepts only numbers of JSON: no plus, no blank, no leading zero. The
# bounds exclude infinity and NaN; exchanges have prices up to 1e11 and sizes up to 1e10.
Price = Annotated[float, Meta(gt=0, le=NUMBER_MAX)]
Number = Annotated[float, Meta(ge=0, le=NUMBER_MAX)]
WireLevel = tuple[Price, Number]
TradeId = Annotated[str, Meta(pattern=r"^[!-~]{1,64}\Z")] | Annotated[int, Meta(ge=0, le=INT64_MAX)]
Quote = Number | Literal[""] | None | UnsetType  # of a ticker


class OddLevel(Struct, array_like=True):
    """A level with more items than a price and a size; the meaning of the others is unknown."""

    price: Price
    size: Number


Side = Literal["buy", "sell"]
Unread = tuple[str, ...]
ALL_READ: Final[Unread] = ()
OddSide = list[OddLevel] | None | UnsetType  # encoders write an empty list as null, or not at all

_Decoded = TypeVar("_Decoded")


def decode(decoder: Callable[[Raw], _Decoded], raw: Raw) -> _Decoded:
    """Return the decoded message; raise `MalformedMessage` if the decoder cannot read it."""
    if len(raw) > MESSAGE_BYTES_MAX:
        raise too_long(raw)
    try:
        return decoder(raw)
    except UNDECODABLE as error:
        raise malformed(str(error), raw) from None


def too_long(raw: Raw) -> MalformedMessage:
    """Return the error for an unread message of more than `MESSAGE_BYTES_MAX`."""
    return malformed(f"{len(raw)} bytes are more than {MESSAGE_BYTES_MAX}", raw)


def malformed(
    reason: str, raw: Raw, *, raw_symbol: str | None = None, channel: str | None = None
) -> MalformedMessage:
    """Return the error, which keeps only the beginning of the message.

    Pass `raw_symbol` if the message may have been an event of that symbol's book, which is then
    doubtful; pass `channel` if the message shows it.
    """
    head = bytes(raw[: 4 * MalformedMessage.EXCERPT_CHARACTERS_MAX])  # a character has <= 4 bytes
    reason = reason[:REASON_CHARACTERS_MAX]
    return MalformedMessage(reason, raw=head, raw_symbol=raw_symbol, channel=channel)


def odd_levels(bids: OddSide, asks: OddSide) -> tuple[list[Level], list[Level]]:
    """Return both sides; raise `ValueError` if the message has neither, so that it is no book."""
    if bids is UNSET and asks is UNSET:
        raise ValueError("it names no side of the book")
    of_bids, of_asks = (
        [(level.price, level.size) for level in side] if side else [] for side in (bids, asks)
    )
    return of_bids, of_asks


def time_ns(time: object) -> int | None:
    """Return a time of any unit and type in nanoseconds; `None` if it is no time."""
    if type(time) is str and time.isascii() and time.isdecimal():
        time = int(time) if len(time) <= NUMBER_CHARACTERS_MAX else None
    if type(time) is not int:
        return _odd_time_ns(time)
    if CENTURY_BEGIN <= time < CENTURY_END:  # one of the two units that exchanges write
        return time
    if CENTURY_BEGIN <= time * NS_PER_MS < CENTURY_END:
        return time * NS_PER_MS
    return _odd_time_ns(time)


def decorating_time(time: object) -> tuple[int | None, Unread]:
    """Return a time that only decorates its event; name it as unread if it is unreadable."""
    ts_event = time_ns(time)
    return ts_event, () if ts_event is not None or time is None else ("ts_event",)


def taker_side(side: object, sides: Mapping[object, Side]) -> Side | None:
    """Return the side of a trade, `None` if the exchange's word stands for none."""
    return sides.get(side) if type(side) is str or type(side) is int else None


def find_unread(ts_event: int | None, time: object, side: Side | None, word: object) -> Unread:
    """Return the names of the fields, time or side, that are null because they are unreadable."""
    of_time = ("ts_event",) if ts_event is None and time is not None else ()
    return (*of_time, "side") if side is None and word is not None else of_time


def ticker(
    raw_symbol: str,
    bid: tuple[Quote, Quote],
    ask: tuple[Quote, Quote],
    last: Quote,
    *,
    is_whole: bool = False,
) -> Ticker:
    """Return a ticker of each side's price and size, and of the last price.

    A null or empty field, or a price of 0, is gone, and with a price its size; a field that the
    message does not name stays as it was.
    """
    gone: tuple[str, ...] = ()
    if not bid[0] and bid[0] is not UNSET:
        bid, gone = (UNSET, UNSET), ("bid_price", "bid_size")
    if not ask[0] and ask[0] is not UNSET:
        ask, gone = (UNSET, UNSET), (*gone, "ask_price", "ask_size")
    if not last and last is not UNSET:
        gone = (*gone, "last_price")
    return Ticker(
        raw_symbol,
        bid_price=_said(bid[0]),
        bid_size=_said(bid[1]),
        ask_price=_said(ask[0]),
        ask_size=_said(ask[1]),
        last_price=_said(last) or None,
        gone=gone,
        is_whole=is_whole,
    )


def number(value: object) -> float | None:
    """Return a number of a market's row, of any type; `None` if it is no number."""
    decimal = _to_decimal(value)
    return float(decimal) if decimal is not None and 0 <= decimal <= NUMBER_MAX else None


def step(value: object) -> tuple[int | None, float | None]:
    """Return the decimals of the least step of a price or a size, and the step."""
    decimal = _to_decimal(value)
    if decimal is None or not STEP_MIN <= decimal <= NUMBER_MAX:
        return None, None
    exponent = decimal.normalize().as_tuple().exponent
    assert isinstance(exponent, int)  # it is finite
    return max(0, -exponent), float(decimal)


def step_of(decimals: object) -> tuple[int | None, float | None]:
    """Return the number of decimals, if it is one, and the step that it makes."""
    if type(decimals) is not int or not 0 <= decimals <= DECIMALS_MAX:
        return None, None
    return decimals, float(Decimal(1).scaleb(-decimals))


def info(row: Raw) -> str:
    """Return an exchange's own row of a market as compact JSON, if it is not too long."""
    text = msgspec.json.format(bytes(row), indent=-1).decode()
    return text if len(text) <= INFO_CHARACTERS_MAX else "{}"


def trade_list(raw_symbol: str, newest_first: list[Trade], *, most: int) -> TradeList:
    """Return the trades of an answer, oldest first; an answer holds `most` at most.

    Sort them by time, if each has one, because some recorded lists are out of order; trades of one
    time keep their order.
    """
    trades = newest_first[::-1]
    times = [trade.ts_event for trade in trades if trade.ts_event is not None]
    if len(times) == len(trades):
        trades.sort(key=lambda trade: trade.ts_event or 0)
    return TradeList(raw_symbol, trades, is_cut=len(trades) >= most)


def _odd_time_ns(time: object) -> int | None:
    decimal = _to_decimal(time)
    if decimal is None:
        return None
    for unit_ns in _UNITS_NS:
        if CENTURY_BEGIN <= decimal * unit_ns < CENTURY_END:
            return int(decimal * unit_ns)
    return None


def _to_decimal(value: object) -> Decimal | None:
    """Return a number of any type by its digits, because multiplying a float is not exact."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = value if isinstance(value, str) else repr(value)
    try:
        decimal = Decimal(text) if len(text) <= NUMBER_CHARACTERS_MAX else None
    except InvalidOperation:
        return None
    return decimal if decimal is not None and decimal.is_finite() else None


def _said(quote: Quote) -> float | None:
    return quote if isinstance(quote, float) else None
