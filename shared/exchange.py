"""Declares the fields of an exchange; each exchange's folder fills them in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from shared.event import Delta, MarketStatus, Notice, Snapshot, Ticker, Trade, TradeList

Event = Snapshot | Delta | Trade | TradeList | Ticker
Message = Event | Notice
Raw = bytes | bytearray | memoryview

BOOK, TRADES, TICKER = "book", "trades", "ticker"
# Our symbol, with any letters that an exchange uses; paths and addresses contain it.
SYMBOL: Final = r"[^\s/]{1,32}-[^\s/]{1,32}"


class ListedMarket(Struct, frozen=True, kw_only=True):
    """One row of an exchange's list of markets; a field that it leaves out is `None`.

    An increment is the least step of a price or a size. `raw_status` is the exchange's own name of
    the status, `info` its own row as JSON.
    """

    symbol: str
    raw_symbol: str
    status: MarketStatus = "trading"
    raw_status: str = ""
    price_decimals: int | None = None
    size_decimals: int | None = None
    price_increment: float | None = None
    size_increment: float | None = None
    min_size: float | None = None
    max_size: float | None = None
    min_notional: float | None = None
    max_notional: float | None = None
    info: str = "{}"


class Limit(Struct, frozen=True, kw_only=True):
    """A limit of the exchange for one address: so many points in so many seconds."""

    points: int
    interval_s: float


class Cost(Struct, frozen=True):
    """The points that one request takes from the limit of this name."""

    limit: str
    points: int = 1


class Call(Struct, frozen=True, kw_only=True):
    """One REST call: `path` follows `rest_url`; `cost` is `None` if no limit applies."""

    path: Callable[..., str]
    cost: Cost | None = None


class Outage(Struct, frozen=True):
    """An outage of one symbol's trades: the last trade before it; times in ns since 1970.

    `Outage` has the exchange's time of that trade, and our time since which nothing has come.
    """

    trade_id: str
    ts_event: int | None
    ts_lost: int


class Rest(Struct, frozen=True, kw_only=True):
    """The REST calls and the parsers of their bodies.

    A parser raises `MalformedMessage` for a body of another form. The arguments of the paths:
    `markets()`, `book(raw_symbol)`, `trades(raw_symbol, outage, ts)`, whose answer should reach
    back over the outage; `ts` is now.
    `ban_s` takes status, headers (names in lower case), body and the time of day in ns; it returns
    how long a refusal for too many requests lasts, or `None` for any other answer.
    """

    markets: Call
    parse_markets: Callable[[Raw], list[ListedMarket]]
    book: Call
    parse_book: Callable[[str, Raw], Snapshot]
    ban_s: Callable[[int, Mapping[str, str], Raw, int], float | None]
    trades: Call | None = None
    parse_trades: Callable[[str, Raw], TradeList] | None = None
    # A whole answer holds all trades of so long, or all since the outage if that is shorter.
    trades_reach_s: float | None = None


class KeepAlive(Struct, frozen=True, kw_only=True):
    """A message to send each `interval_s`, so that the exchange knows that we are alive."""

    message: str
    interval_s: float


class OneByOne(Struct, frozen=True, kw_only=True):
    """Messages that join or leave one symbol of a channel whose subscription brings all symbols.

    Each takes the channel and returns the messages; `renew` leaves the whole and joins it again.
    """

    subscribe: Callable[[str, str], list[str]]
    unsubscribe: Callable[[str, str], list[str]]
    renew: Callable[[str], list[str]]


class Exchange(Struct, frozen=True, kw_only=True):
    """One exchange, as its folder declares it."""

    name: str
    symbols: tuple[str, ...]  # to record if the configuration names none
    websocket_url: str
    rest_url: str
    symbols_per_socket: int
    # The delay of `ts_recv` that we accept to read several messages at once. From 10 on, one thread
    # reads all sockets. 0: read each message as it comes.
    read_interval_ms: float = 0.0
    channels: tuple[str, ...] = (BOOK, TRADES, TICKER)
    # One subscription to such a channel brings every symbol: one socket is enough for all.
    whole_channels: tuple[str, ...] = ()
    alone: OneByOne | None = None  # for symbols that do not come with the whole

    raw_symbol: Callable[[str], str]  # "BTC-TRY" -> "BTCTRY"
    # "list": no rule makes the exchange's names of ours, so we look them up in its list of markets;
    # while we cannot get that list in time, `raw_symbol` is the fallback.
    names: Literal["rule", "list"] = "rule"
    parse: Callable[[Raw], list[Message]]
    # Channels and raw symbols -> the messages that subscribe to them, or unsubscribe.
    subscribe: Callable[[Sequence[str], Sequence[str]], list[str]]
    unsubscribe: Callable[[Sequence[str], Sequence[str]], list[str]]
    subscribe_cost: Cost | None = None  # of each message
    # A subscription stands once the exchange acknowledges it, or only once its first data comes.
    ready: Literal["acknowledgement", "data"]

    # A book begins with the answer to the message `request_snapshot(raw_symbol)`, with the first
    # message of its subscription, or with the answer of `rest.book`.
    snapshot_by: Literal["message", "first", "rest"]
    request_snapshot: Callable[[str], str] | None = None
    snapshot_cost: Cost | None = None  # of a message; REST calls have their own costs
    snapshot_interval_s: float = 0.0  # between two requests
    # The most levels a side in a snapshot; a snapshot with so many may lack deeper levels.
    depth: int | None = None
    # The levels of a side that the exchange updates: it does not report a level that leaves them.
    window: int | None = None
    # The message without which the exchange hangs up, and its interval.
    keep_alive: KeepAlive | None = None

    limits: Mapping[str, Limit]
    connect_cost: Cost | None = None
    rest: Rest
