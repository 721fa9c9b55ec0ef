"""Books polled over REST, from a real loopback server, on a clock that waits for nobody."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from typing_extensions import override

from shared.book import Snapshot
from shared.errors import ConnectionLost, MalformedMessage
from shared.event import FeedEvent
from shared.exchange import Call, Cost, Exchange, Limit, Raw
from shared.frame_builder import Recorded
from shared.limits import Limits
from shared.poller import WORKERS_MAX, Poller
from shared.rest import RestClient
from tests.rest_server import Answer, RestServer
from tests.toys import Tape, book, make_exchange, make_rest

BTC, ETH = "/BTCEUR", "/ETHEUR"


def parse_book(raw_symbol: str, raw: Raw) -> Snapshot:
    """Read sequence and best bid; the best ask is 101."""
    words = bytes(raw).decode().split()
    if len(words) != 2:
        raise MalformedMessage("not two words", raw=bytes(raw))
    return book(raw_symbol, int(words[0]) or None, bid=words[1])


def find_ban_s(status: int, *_: object) -> float | None:
    return 30.0 if status == 429 else None


EXCHANGE = make_exchange(
    rest=make_rest(
        book=Call(path=lambda raw_symbol: f"/{raw_symbol}"),
        parse_book=parse_book,
        ban_s=find_ban_s,
    )
)


class Stop(Event):
    """Waits by moving the clock on, and is set when it is late enough."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.end_s = 0.0
        self.waits: list[float] = []

    @override
    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now_s += timeout
        self.waits.append(timeout)
        if self.now_s >= self.end_s:
            self.set()
        return self.is_set()


class World:
    """A poller, the server it asks, and what it recorded."""

    def __init__(self, server: RestServer, folder: Path, exchange: Exchange = EXCHANGE) -> None:
        self.server = server
        self.server.answers = {"": Answer("0 99")}
        self.tape = Tape()
        self.stop = Stop()
        self.pause = Event()
        limits = Limits(
            folder / "limits.json", EXCHANGE.limits, clock_ns=lambda: int(self.stop.now_s * 1e9)
        )
        self.client = RestClient(exchange, server.url, limits)
        self.refusals: list[Exception] = []
        self.poller = Poller(
            exchange,
            ("BTC-EUR", "ETH-EUR"),
            self.client,
            record=self._record,
            poll_interval_s=10.0,
            clock_ns=lambda: int(self.stop.now_s),
            steady_s=lambda: self.stop.now_s,
            pause=self.pause,
        )

    def _record(self, ts: int, symbol: str | None, event: Recorded) -> None:
        if self.refusals and isinstance(event, Snapshot):
            raise self.refusals.pop()
        self.tape.record(ts, symbol, event)

    def poll(self, rounds: int = 1) -> list[str]:
        """Go round so often; return what was recorded."""
        self.tape.rows.clear()
        self.stop.clear()
        self.stop.end_s = self.stop.now_s + 10.0 * rounds - 0.1
        self.poller.run(self.stop)
        # At the end of the run, which is none of the polling.
        if isinstance(self.tape.events()[-1:], FeedEvent):
            self.tape.rows.pop()
        return [_describe(symbol, event) for _, symbol, event in self.tape.rows]

    def details(self, kind: str) -> list[Any]:
        rows = [event for event in self.tape.events(FeedEvent) if event.kind == kind]
        return [msgspec.json.decode(row.detail) for row in rows]


def _describe(symbol: str | None, event: Recorded) -> str:
    what = event.kind if isinstance(event, FeedEvent) else "book"
    return f"{symbol} {what}" if symbol else what


Make = Callable[..., World]


@pytest.fixture
def server() -> Iterator[RestServer]:
    with RestServer() as server:
        yield server


@pytest.fixture
def world(server: RestServer, tmp_path: Path) -> Iterator[World]:
    world = World(server, tmp_path)
    yield world
    world.client.close()
