"""The form that an exchange's messages must have before anything in them is believed."""

from collections.abc import Callable
from typing import Annotated, Final, TypeVar

from msgspec import Meta

from booktape import errors
from shared.errors import MalformedMessage
from shared.event import Trade, TradeList
from shared.exchange import Raw

MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024  # forty times the largest that any exchange sends
REASON_CHARACTERS_MAX: Final = 200
NUMBER_MAX: Final = 1e24
INT64_MAX: Final = 2**63 - 1  # sequences and times are int64 on the tape
NS_PER_MS: Final = 1_000_000
MILLISECONDS_MAX: Final = INT64_MAX // NS_PER_MS

UNDECODABLE: Final = errors.UNDECODABLE

Sequence = Annotated[int, Meta(ge=-INT64_MAX, le=INT64_MAX)]
Nanoseconds = Annotated[int, Meta(ge=0, le=INT64_MAX)]
Milliseconds = Annotated[int, Meta(ge=0, le=MILLISECONDS_MAX)]
MillisecondsFloat = Annotated[float, Meta(ge=0, le=MILLISECONDS_MAX)]
MillisecondsText = Annotated[str, Meta(pattern=r"^[0-8]?[0-9]{1,12}\Z")]  # int64 ends at 9.22e12
# Exchanges write prices and sizes as text. A decoder that is not `strict` reads them, once and
# correctly rounded, and takes only what is a number in JSON: no plus, no blank, no leading zero.
# The bounds let no infinity and no NaN in; exchanges name prices up to 1e11 and sizes up to 1e10.
Price = Annotated[float, Meta(gt=0, le=NUMBER_MAX)]
Number = Annotated[float, Meta(ge=0, le=NUMBER_MAX)]
WireLevel = tuple[Price, Number]
TradeId = Annotated[str, Meta(pattern=r"^[!-~]{1,64}\Z")]

_Decoded = TypeVar("_Decoded")


def decode(decoder: Callable[[Raw], _Decoded], raw: Raw) -> _Decoded:
    """Return what the decoder makes of the message; raise `MalformedMessage` where it cannot."""
    if len(raw) > MESSAGE_BYTES_MAX:
        raise too_long(raw)
    try:
        return decoder(raw)
    except UNDECODABLE as error:
        raise malformed(str(error), raw) from None


def too_long(raw: Raw) -> MalformedMessage:
    """Return the error for a message of more than `MESSAGE_BYTES_MAX`: it is not looked at."""
    return malformed(f"{len(raw)} bytes are more than {MESSAGE_BYTES_MAX}", raw)


def malformed(
    reason: str, raw: Raw, *, raw_symbol: str | None = None, channel: str | None = None
) -> MalformedMessage:
    """Return the error, which keeps no more than the beginning of what it was given.

    `raw_symbol` is for what may have been an event of that symbol's book, which is then doubtful;
    `channel` is the one that the message is of, where that can be told.
    """
    head = bytes(raw[: 4 * MalformedMessage.EXCERPT_CHARACTERS_MAX])  # a character has <= 4 bytes
    reason = reason[:REASON_CHARACTERS_MAX]
    return MalformedMessage(reason, raw=head, raw_symbol=raw_symbol, channel=channel)


def to_ns(milliseconds: float | str) -> int:
    """Return a time of one of the types above in nanoseconds."""
    return int(milliseconds) * NS_PER_MS


def trade_list(raw_symbol: str, newest_first: list[Trade], *, most: int) -> TradeList:
    """Return a list that came newest first, of which an answer holds `most` at most.

    Sorted once more, since not every recorded list keeps its order; one time leaves it as it is.
    """
    trades = newest_first[::-1]
    trades.sort(key=lambda trade: trade.ts_event or 0)
    return TradeList(raw_symbol, trades, is_cut=len(trades) >= most)
