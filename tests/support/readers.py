"""Readers, with nothing behind them."""

from collections.abc import Sequence
from random import Random
from threading import Event
from typing import Any, NoReturn

from shared.errors import ConnectionLost
from shared.exchange import Exchange
from shared.feed.feed import Feed
from shared.process.retry import Backoff
from shared.transport.reader import Reader
from tests.support.toys import Tape


def make_feed(
    exchange: Exchange,
    symbols: Sequence[str],
    channels: Sequence[str] = ("book", "trades", "ticker"),
    *,
    tape: Tape | None = None,
    stale_after_s: float = 20.0,
) -> Feed:
    """Return a feed for which nothing is limited."""
    return Feed(
        exchange,
        symbols,
        channels,
        record=(tape or Tape()).record,
        take=lambda _: 0.0,
        ban=lambda _: None,
        stale_after_s=stale_after_s,
        checkpoint_interval_s=3600.0,
    )


def make_reader(feed: Feed, **changes: Any) -> Reader:
    """Return a reader that nobody lets connect, unless told otherwise."""
    defaults: dict[str, Any] = {
        "url": "ws://127.0.0.1/",
        "connect": refuse,
        "connect_cost": None,
        "take": lambda _: 0.0,
        "ban": lambda _wait_s, _limit: None,
        "backoff": make_backoff(),
        "clock_ns": lambda: 7,
        "steady_s": lambda: 1000.0,
        "pause": Event(),
        "announce": lambda _: None,
    }
    return Reader(feed, **{**defaults, **changes})


def refuse(_url: str) -> NoReturn:
    raise ConnectionLost("nobody is there")


def make_backoff(cap_s: float = 0.001) -> Backoff:
    """Return one that hardly waits."""
    return Backoff(base_s=cap_s, cap_s=cap_s, random=Random(1))
