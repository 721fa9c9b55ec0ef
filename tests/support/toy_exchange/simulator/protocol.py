"""The toy's protocol over its markets: ranges, books over REST, pings that are JSON."""

import json
import random
from urllib.parse import unquote

from services.simulator.book_side import Step
from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.listing import Listing, depth
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import DEPTH_ALL, Answer, Clock, Later
from services.simulator.toy.feed import ToyFeed, say
from services.simulator.truth import Truth

FRUIT = ("ACORN", "BERRY", "CHESTNUT", "FIG", "HAZEL", "PINE")
SYMBOLS_MAX = len(FRUIT)
PATIENCE_S = 6.0  # with who says no ping


class Toy:
    """Speak the squirrels' language."""

    name = "toy"
    websocket_path = "/stream"
    rest_path = ""
    conflation_s = 0.3
    ping_interval_s = 15.0
    ping_payload: bytes | None = b""
    pong_timeout_s: float | None = None
    compression: str | None = None
    faults: tuple[str, ...] = ("gap", "nonce_reset", "drop", "close", "stall")

    def __init__(
        self,
        markets: list[SimulatedMarket],
        *,
        clock: Clock,
        later: Later,
        rng: random.Random,
        truth: Truth,
        is_limited: bool = True,
    ) -> None:
        del later, truth, is_limited
        self.markets = markets
        self._clock = clock
        self._rng = rng
        self._feeds = {
            market.listing.raw_symbol: ToyFeed(market, rng.randrange(1 << 20, 1 << 40))
            for market in markets
        }
        self._pinged: dict[ClientConnection, float] = {}

    def handshake(self, path: str) -> Answer | None:
        """Let in who knows the way."""
        return None if path == self.websocket_path else Answer(404, b"")

    def opened(self, connection: ClientConnection) -> None:
        """Greet."""
        self._pinged[connection] = self._clock.monotonic()
        connection.send(say("joke", text="a squirrel walks into a bar"))

    def received(self, connection: ClientConnection, message: str | bytes) -> None:
        """Answer a ping, a wish or its end."""
        asked = json.loads(message)
        if "ping" in asked:
            self._pinged[connection] = self._clock.monotonic()
            connection.send(say("pong", ping=asked["ping"]))
        for verb in ("want", "drop"):
            for channel in asked.get(verb, ()):
                self._turn(connection, verb, channel, asked["of"])

    def _turn(
        self, connection: ClientConnection, verb: str, channel: str, names: list[str]
    ) -> None:
        known = [name for name in names if name in self._feeds]
        for name in known:
            feed = self._feeds[name]
            (feed.join if verb == "want" else feed.leave)(connection, channel)
        if verb == "want" and known:
            connection.send(say("granted", what=channel, of=known))
        if verb == "want" and len(known) < len(names):
            connection.send(say("denied", of=next(name for name in names if name not in known)))

    def closed(self, connection: ClientConnection) -> None:
        """Forget a client."""
        del self._pinged[connection]
        for feed in self._feeds.values():
            for channel in ("book", *feed.listeners):
                feed.leave(connection, channel)

    def publish(self, market: SimulatedMarket, step: Step) -> None:
        """Take up one step of a market."""
        self._feeds[market.listing.raw_symbol].publish(step)

    def pulse(self, market: SimulatedMarket) -> None:
        """Send what has changed since the last pulse."""
        self._feeds[market.listing.raw_symbol].send()

    def beat(self) -> None:
        """Hang up on who says nothing."""
        now_s = self._clock.monotonic()
        for connection, pinged_s in list(self._pinged.items()):
            if now_s - pinged_s > PATIENCE_S:
                connection.close("no ping")

    def request(self, path: str) -> Answer:
        """Answer one GET."""
        kind, _, name = path.strip("/").partition("/")
        if kind == "markets":
            return Answer(200, json.dumps([_row(market) for market in self.markets]).encode())
        feed = self._feeds.get(unquote(name)) if kind == "book" else None
        return Answer(404, b"") if feed is None else Answer(200, feed.answer_book(DEPTH_ALL))

    def reset_sequence(self, market: SimulatedMarket) -> None:
        """Let the next change of this book be numbered from somewhere else."""
        self._feeds[market.listing.raw_symbol].reset(self._rng.randrange(1 << 20, 1 << 40))

    def send_snapshot(self, connection: ClientConnection, chain: ClientChain) -> int:
        """Never happen: no such fault is declared."""
        raise NotImplementedError

    def final_sequence(self, market: SimulatedMarket) -> int | dict[int, int]:
        """Return the number of the last level that changed."""
        rev: int = self._feeds[market.listing.raw_symbol].rev
        return rev

    def final_depth(self) -> int:
        """Return the depth of a book: all of it."""
        return DEPTH_ALL


def list_markets(count: int, *, levels: int) -> list[Listing]:
    """Return the busiest `count` trees."""
    return [
        Listing(
            raw_symbol=f"tree/{7 * number + 3}",
            base=fruit,
            quote="NUT",
            number=number,
            price_ticks=10_000 + 777 * number,
            tick_units=5,
            price_decimals=3,
            size_decimals=2,
            messages_per_s=20.0 / (number + 1),
            operations=3.0,
            levels=depth(levels, number),
        )
        for number, fruit in enumerate(FRUIT[:count])
    ]


def _row(market: SimulatedMarket) -> dict[str, object]:
    listing = market.listing
    names = {"tree": listing.raw_symbol, "fruit": listing.base, "pays": listing.quote}
    return {**names, "is_open": not market.is_delisted}
