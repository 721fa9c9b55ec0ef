"""BtcTurk's protocol: frames `[type, object]` over a websocket, REST beside it.

It follows the websocket manual and the wire as seen in 2026. Beyond these the simulator chooses: a
client that leaves and joins again gets a new snapshot; the server answers a client's pings, but
not a request of type 101.
"""

import random
from urllib.parse import urlsplit

import msgspec

from services.simulator.book_side import Step
from services.simulator.btcturk.feed import BtcturkFeed
from services.simulator.btcturk.rest import BtcturkRest
from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.limits import UNLIMITED, Budget
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import Answer, Clock, Later
from services.simulator.switches import Switches
from services.simulator.truth import Truth

CONNECTIONS_PER_MINUTE = 15
CONNECTIONS_PERIOD_S = 60
# All snapshots of 379 joins came within 1.3 s.
SNAPSHOT_LATENCY_S = 0.25
WINDOW_LEVELS = 100
PATHS = ("", "/ws", "/market")
VERSION = '[991,{"type":991,"current":"6.0.0","min":"2.3.0"}]'
# Each connection gets one of these about every half minute, whatever it has subscribed to.
CHATTER_PER_BEAT = 0.025
CHATTER = (
    (
        '[451,{"type":451,"pairId":0,"symbol":"BTCTRY","id":0,"method":0,"userId":0,"orderType":0,'
        '"price":"0","amount":"0","numLeft":"0.00","denomLeft":"0","newOrderClientId":null}]'
    ),
    '[801,{"type":801,"message":"System message"}]',
)
JOIN = 151


class Btcturk:
    """Speak BtcTurk's protocol over the given markets."""

    name = "btcturk"
    websocket_path = "/"
    rest_path = ""
    conflation_s = 0.764
    ping_interval_s = 15.0
    ping_payload: bytes | None = None
    pong_timeout_s: float | None = 30.0
    compression: str | None = None
    faults: tuple[str, ...] = (
        *("gap", "nonce_reset", "drop", "close", "stall", "garbage", "handshake_429", "halted"),
        *("no_pong", "snapshot_midstream", "mute", "lie", "crossed"),
        *("early_reset", "halt_unsaid", "auction", "odd_fields", "silent_all", "late_first"),
        *("unreadable", "short_trades", "no_endpoint", "endless_429"),
    )
    unknown_endpoint = Answer(404, b"")

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
        del truth  # others write the faults of this exchange
        self.markets = markets
        self._later = later
        self._rng = rng
        self.switches = switches = Switches()
        self._feeds = {
            market.listing.raw_symbol: BtcturkFeed(market, rng, switches) for market in markets
        }
        self._connections: dict[ClientConnection, None] = {}
        self._all_tickers: dict[ClientConnection, None] = {}
        self._is_all_silent = False
        self._rest = BtcturkRest(markets, switches, clock=clock, is_limited=is_limited)
        self._handshakes = Budget(
            points_max=CONNECTIONS_PER_MINUTE if is_limited else UNLIMITED,
            period_s=CONNECTIONS_PERIOD_S,
            block_s=CONNECTIONS_PERIOD_S,
            clock_ns=clock.ns,
        )

    def handshake(self, path: str) -> Answer | None:
        """Accept a client, unless connections come too often."""
        if urlsplit(path).path.rstrip("/") not in PATHS:
            return Answer(404, b"")
        if self._handshakes.spend(1):
            return None
        retry_after = str(self._handshakes.retry_after_s)
        return Answer(429, b"", headers={"Retry-After": retry_after})

    def opened(self, connection: ClientConnection) -> None:
        """Send the version, unasked."""
        self._connections[connection] = None
        connection.send(VERSION)

    def closed(self, connection: ClientConnection) -> None:
        """Forget all its subscriptions."""
        del self._connections[connection]
        for channel, events in connection.subscriptions.items():
            for event in events:
                self._leave(connection, channel, event)

    def received(self, connection: ClientConnection, message: str | bytes) -> None:
        """Acknowledge a join or a leave; ignore any other message."""
        try:
            kind, body = msgspec.json.decode(message, type=tuple[int, dict[str, object]])
        except msgspec.DecodeError:
            return
        channel, event, join = body.get("channel"), body.get("event"), body.get("join")
        is_understood = isinstance(channel, str) and isinstance(event, str)
        if kind != JOIN or not is_understood or not isinstance(join, bool):
            return
        assert isinstance(channel, str)
        assert isinstance(event, str)
        joined = connection.subscriptions.setdefault(channel, {})
        is_refused = join and event in joined
        # The exchange acknowledges unknown channels and pairs, too.
        connection.send(_acknowledgement(channel, event, join=join, is_ok=not is_refused))
        if join and not is_refused:
            joined[event] = None
            self._later(SNAPSHOT_LATENCY_S, lambda: self._join(connection, channel, event))
        elif not join:
            joined.pop(event, None)
            self._leave(connection, channel, event)

    def publish(self, market: SimulatedMarket, step: Step) -> None:
        """Send one step of a market to its listeners."""
        self._feeds[market.listing.raw_symbol].publish(step)

    def pulse(self, market: SimulatedMarket) -> None:
        """Send the pair's ticker, changed or not."""
        self._feeds[market.listing.raw_symbol].send_ticker()

    def beat(self) -> None:
        """Send the ticker of all pairs, and now and then a message that nobody asked for."""
        if self._all_tickers and not self._is_all_silent:
            items = ",".join(
                f'{{{feed.ticker_fields()},"Ord":{order}}}'
                for order, feed in enumerate(self._feeds.values())
            )
            frame = f'[401,{{"items":[{items}],"channel":"ticker","event":"all","type":401}}]'
            if self.switches.is_ticker_unreadable:
                frame = frame.replace('"B":"', '"B":"~')
            for connection in list(self._all_tickers):
                connection.send(frame)
        for connection in list(self._connections):
            if self._rng.random() < CHATTER_PER_BEAT:
                connection.send(self._rng.choice(CHATTER))

    def request(self, path: str) -> Answer:
        """Answer one GET."""
        return self._rest.request(path)

    def reset_sequence(self, market: SimulatedMarket) -> None:
        """Renumber this book for every client from its next change on."""
        self._feeds[market.listing.raw_symbol].reset_sequence()

    def send_snapshot(self, connection: ClientConnection, chain: ClientChain) -> int:
        """Send a 431 in mid-stream; return its number."""
        return self._feeds[chain.listing.raw_symbol].send_snapshot(connection)

    def write_oddly(self, market: SimulatedMarket, *, is_odd: bool) -> None:
        """Write a pair's frames oddly; acknowledge something with a null message."""
        self._feeds[market.listing.raw_symbol].is_odd = is_odd
        for connection in self._connections if is_odd else ():
            connection.send('[100,{"type":100,"ok":true,"message":null}]')

    def silence_all(self, *, is_silent: bool) -> None:
        """Send no ticker of all pairs, though clients can still join it."""
        self._is_all_silent = is_silent

    def final_sequence(self, market: SimulatedMarket) -> int | dict[int, int]:
        """Return the last change set of each connection: every one has its own."""
        return {
            connection.number: subscription.change_set
            for connection, subscription in self._feeds[market.listing.raw_symbol].obdiff.items()
        }

    def mute(self, market: SimulatedMarket, *, is_muted: bool) -> None:
        """Send no changes of a book, now or later; no number shows the loss."""
        self._feeds[market.listing.raw_symbol].is_muted = is_muted

    def lie(self, market: SimulatedMarket) -> None:
        """Change a level, and send nothing about it."""
        self._feeds[market.listing.raw_symbol].hide(*market.lie())

    def reveal(self, market: SimulatedMarket) -> None:
        """Send the hidden changes with the next change."""
        market.reveal()
        self._feeds[market.listing.raw_symbol].reveal()

    def answer_book_badly(self, how: str) -> None:
        """Raise: nobody asks for books over this socket."""
        raise NotImplementedError(how)

    def final_depth(self) -> int:
        """Return the depth of the window: clients see nothing beyond."""
        return WINDOW_LEVELS

    def _join(self, connection: ClientConnection, channel: str, event: str) -> None:
        """Begin the joined channel, unless the client is gone or has left again."""
        is_wanted = event in connection.subscriptions.get(channel, {})
        if connection not in self._connections or not is_wanted:
            return
        if (channel, event) == ("ticker", "all"):
            self._all_tickers[connection] = None
            return
        feed = self._feeds.get(event)
        if feed is None:
            return
        if channel == "obdiff" and connection not in feed.obdiff:
            feed.join_obdiff(connection)
        elif channel == "orderbook" and connection not in feed.orderbook:
            feed.join_orderbook(connection)
        elif channel == "trade" and connection not in feed.trade:
            feed.trade[connection] = None
            connection.send(feed.trades_frame())
        elif channel == "ticker":
            feed.ticker[connection] = None

    def _leave(self, connection: ClientConnection, channel: str, event: str) -> None:
        if (channel, event) == ("ticker", "all"):
            self._all_tickers.pop(connection, None)
        elif event in self._feeds:
            self._feeds[event].leave(connection, channel)


def _acknowledgement(channel: str, event: str, *, join: bool, is_ok: bool) -> str:
    message = f"{'join' if join else 'leave'}|{channel}:{event}"
    body = {"type": 100, "ok": is_ok, "message": message}
    return msgspec.json.encode([100, body]).decode()
