"""Makes readers' feeds and sockets with no exchange behind them."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from random import Random
from threading import Event
from typing import Any, NoReturn, TypeVar

from shared.errors import ConnectionLost
from shared.exchange import Exchange
from shared.feed.board import Board
from shared.feed.feed import Feed
from shared.feed.names import Names
from shared.process.retry import Backoff
from shared.transport.inbox import Inbox
from shared.transport.reader import Socket
from tests.support.toys import make_exchange

Result = TypeVar("Result")


def make_board(
    symbols: Sequence[str],
    channels: Sequence[str] = ("book", "trades", "ticker"),
    exchange: Exchange | None = None,
) -> Board:
    """Return the board of a feed that is down; without an exchange it is the toy's."""
    names = Names(exchange or make_exchange())
    return Board(symbols, channels, names, down_since_s=1000.0)


def make_feed(exchange: Exchange, board: Board, *, stale_after_s: float = 20.0) -> Feed:
    """Return a feed for which nothing is limited."""
    return Feed(
        exchange,
        board,
        spend=lambda _: 0.0,
        ban=lambda _: None,
        stale_after_s=stale_after_s,
        checkpoint_interval_s=3600.0,
    )


def make_socket(inbox: Inbox, board: Board, **changes: Any) -> Socket:
    """Return a socket that nobody lets connect, unless told otherwise."""
    defaults: dict[str, Any] = {
        "url": "ws://127.0.0.1/",
        "connect": refuse,
        "connect_cost": None,
        "spend": lambda _: 0.0,
        "ban": lambda _wait_s, _limit: None,
        "backoff": make_backoff(),
        "read_interval_s": 0.0,
        "start": do_at_once,
        "clock_ns": lambda: 7,
        "steady_s": lambda: 1000.0,
        "pause": Event(),
    }
    return Socket(inbox, board, **{**defaults, **changes})


def do_at_once(work: Callable[[], Result]) -> Future[Result]:
    """Do an errand while everybody waits."""
    future: Future[Result] = Future()
    try:
        future.set_result(work())
    except ConnectionLost as lost:
        future.set_exception(lost)
    return future


def refuse(_url: str) -> NoReturn:
    raise ConnectionLost("nobody is there")


def make_backoff(cap_s: float = 0.001) -> Backoff:
    """Return a backoff that hardly waits."""
    return Backoff(base_s=cap_s, cap_s=cap_s, random=Random(1))
