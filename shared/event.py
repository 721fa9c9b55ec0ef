"""Each event here comes from an exchange, or from a feed about itself; none has a number yet.

An event's `unread` names its unreadable decorating fields, which are null.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from booktape.ladder import Level

Kind = Literal[
    "session_start",
    "connected",
    "subscribed",
    "subscription_refused",
    "gap",
    "resync",
    "stale",
    "rate_limited",
    "malformed",
    "crossed",
    "mismatch",
    "clock_step",
    "disk_full",
    "journal_hole",
    "disconnected",
    "session_end",
    "status",
    "audit",
]
MarketStatus = Literal["trading", "halted", "auction", "cancel_only", "delisted", "unknown"]
ListingReason = Literal["start", "day", "changed", "listed", "delisted"]


class Snapshot(Struct, frozen=True, gc=False):
    """The whole book of one symbol; `sequence` is `None` if the exchange gives no numbers."""

    raw_symbol: str
    bids: list[Level]
    asks: list[Level]
    sequence: int | None = None
    ts_event: int | None = None
    unread: tuple[str, ...] = ()


class Delta(Struct, frozen=True, gc=False):
    """The changed levels, in the exchange's order: absolute sizes, of which 0 removes the level.

    `previous` is the sequence that it follows, if the exchange names one; else `sequence` - 1.
    """

    raw_symbol: str
    bids: list[Level]
    asks: list[Level]
    sequence: int
    ts_event: int | None = None
    previous: int | None = None
    unread: tuple[str, ...] = ()


class Checkpoint(Struct, frozen=True, gc=False):
    """A snapshot of our own book, so that a reader can rebuild any hour of tape alone."""

    raw_symbol: str
    bids: list[Level]
    asks: list[Level]
    sequence: int | None
    ts_event: None = None  # the exchange has no such event


class Trade(Struct, frozen=True):
    """One trade; `side` is the taker's, `None` if the exchange does not name it."""

    raw_symbol: str
    trade_id: str
    side: Literal["buy", "sell"] | None
    price: float
    size: float
    ts_event: int | None = None
    unread: tuple[str, ...] = ()


class TradeList(Struct, frozen=True):
    """The latest trades of one symbol, oldest first: the answer to a subscription or a REST call.

    `is_cut`: it holds as many trades as the exchange ever gives at once, so older ones may be
    missing; else it holds all trades since `ts_from`, if the exchange states that time.
    """

    raw_symbol: str
    trades: list[Trade]
    is_cut: bool = True
    ts_from: int | None = None


class Ticker(Struct, frozen=True):
    """The changed best prices; `None` means that this message does not name the field.

    `gone` names the fields without a value any more: nobody bids, nobody asks. `is_whole`: it came
    in a message with the tickers of all symbols.
    """

    raw_symbol: str
    bid_price: float | None = None
    bid_size: float | None = None
    ask_price: float | None = None
    ask_size: float | None = None
    last_price: float | None = None
    ts_event: int | None = None
    gone: tuple[str, ...] = ()
    is_whole: bool = False


class Instrument(Struct, frozen=True, kw_only=True):
    """One market as the exchange describes it; a field that it leaves out is `None`.

    An increment is the least step of a price or a size, `info` the exchange's own row, `reason`
    the reason for this event: a session or a day began, or the market changed.
    """

    raw_symbol: str
    base: str
    quote: str
    status: MarketStatus
    price_decimals: int | None = None
    size_decimals: int | None = None
    price_increment: float | None = None
    size_increment: float | None = None
    min_size: float | None = None
    max_size: float | None = None
    min_notional: float | None = None
    max_notional: float | None = None
    reason: ListingReason
    info: str


class FeedEvent(Struct, frozen=True):
    """One row about the feed itself; `detail` is a JSON object."""

    kind: Kind
    sequence_expected: int | None = None
    sequence_received: int | None = None
    detail: str = "{}"


def feed_event(kind: Kind, **detail: object) -> FeedEvent:
    """Return a row about the feed with these details."""
    return FeedEvent(kind, detail=msgspec.json.encode(detail).decode())


class Subscribed(Struct, frozen=True):
    """The exchange acknowledged a subscription; it names these raw symbols for a channel."""

    channel: str
    raw_symbols: list[str]


class Refused(Struct, frozen=True):
    """The exchange refused a request; a field that it does not name is `None`.

    `request` is a subscription or a snapshot.
    `is_halted`: the exchange has halted the market, so asking again soon is useless.
    """

    request: Literal["subscribe", "snapshot"]
    reason: str
    raw_symbol: str | None = None
    is_halted: bool = False


class Throttled(Struct, frozen=True):
    """The exchange told us to stop: for `wait_s`, or until `until_ns`, if it named either."""

    reason: str
    wait_s: float | None = None
    until_ns: int | None = None


class Chatter(Struct, frozen=True, omit_defaults=True):
    """A message without data for us, of a known or unknown kind: we count it by its kind."""

    kind: str
    is_known: bool = True


Notice = Subscribed | Refused | Throttled | Chatter


Recorded = Snapshot | Delta | Checkpoint | Trade | Ticker | Instrument | FeedEvent
"""Each of these becomes an event of the tape."""

Row = tuple[int, str | None, Recorded]
"""`ts_recv`, our symbol (`None`: the connection) and the event."""
