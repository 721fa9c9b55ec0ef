"""Bitvavo's protocol: one websocket for channels and questions, REST beside it.

It follows https://docs.bitvavo.com and the wire as seen in September 2026. Beyond these the
simulator chooses: a reset sequence begins at 1, a halted market goes on with the next number.
"""

import dataclasses
import random
from urllib.parse import urlsplit

import msgspec

from services.simulator.bitvavo import channels, rest
from services.simulator.bitvavo.data import (
    INTERVALS_S,
    NS_PER_MS,
    BitvavoData,
    Parameters,
    Refusal,
    banned,
)
from services.simulator.bitvavo.feed import BitvavoFeed, send_json
from services.simulator.book_side import Step
from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.limits import UNLIMITED, Budget
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import Answer, Clock, Later
from services.simulator.switches import Switches
from services.simulator.truth import Truth

POINTS_PER_MINUTE = 1_000
BAN_S = 900.0
CLIENT_MESSAGES_PER_S = 5_000
# The answer with a book comes late, so that changes precede their snapshot, as on the wire.
BOOK_LATENCY_S = 0.2
LATE_S = 12.0  # by then a client has asked again
OLD_S = 1.5  # the age of an old book
FINAL_DEPTH = 500  # levels of a snapshot that a client knows wherever the price has moved
BEATS_PER_S = 10
UNKNOWN_ACTION = 415


class Bitvavo:
    """Speak Bitvavo's protocol over the given markets."""

    name = "bitvavo"
    websocket_path = "/v2/"
    rest_path = "/v2"
    conflation_s = 0.1
    ping_interval_s = 50.0
    ping_payload: bytes | None = b"ping"
    pong_timeout_s: float | None = None
    compression: str | None = "deflate"
    faults: tuple[str, ...] = (
        *("gap", "nonce_reset", "drop", "close", "stall", "garbage", "handshake_429", "halted"),
        *("no_pong", "bad_symbol", "walk", "mute", "lie", "late_book", "old_book", "crossed"),
        *("early_reset", "halt_unsaid", "auction", "odd_fields", "late_listing", "unreadable"),
        *("short_trades", "no_endpoint", "endless_429"),
    )
    unknown_endpoint = rest.UNKNOWN_ENDPOINT

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
        self.markets = markets
        self._clock = clock
        self._later = later
        self._truth = truth
        self.switches = switches = Switches()
        self._feeds = {
            market.listing.raw_symbol: BitvavoFeed(
                market, rng.randrange(10**6, 4 * 10**8), rng, clock.ns, switches
            )
            for market in markets
        }
        self._data = BitvavoData(markets, switches, nonce_of=self._nonce_of, clock=clock)
        self._budget = Budget(
            points_max=POINTS_PER_MINUTE if is_limited else UNLIMITED,
            period_s=60,
            block_s=BAN_S,
            clock_ns=clock.ns,
        )
        self._message_budgets: dict[ClientConnection, Budget] = {}
        self._beats = 0
        self._bad_answer = ""  # how the next question for a book is answered

    def handshake(self, path: str) -> Answer | None:
        """Accept every client that asks for the right path."""
        return None if urlsplit(path).path.rstrip("/") == self.rest_path else rest.not_found()

    def opened(self, connection: ClientConnection) -> None:
        """Send nothing: Bitvavo waits for the client."""
        self._message_budgets[connection] = Budget(
            points_max=CLIENT_MESSAGES_PER_S, period_s=1, block_s=1, clock_ns=self._clock.ns
        )

    def closed(self, connection: ClientConnection) -> None:
        """Forget all its subscriptions."""
        del self._message_budgets[connection]
        for channel, names in connection.subscriptions.items():
            for name in list(names):
                channels.leave(connection, channel, self._feeds[name])

    def received(self, connection: ClientConnection, message: str | bytes) -> None:
        """Answer one message: an acknowledgement, an answer, or one of the error shapes."""
        try:
            request = msgspec.json.decode(message, type=Parameters)
        except msgspec.DecodeError:
            send_json(connection, {"errorCode": 102, "error": "Invalid JSON."})
            return
        try:
            self._act(connection, request)
        except Refusal as refusal:
            self._refuse(connection, request, refusal)

    def publish(self, market: SimulatedMarket, step: Step) -> None:
        """Send one step of a market to its listeners."""
        feed = self._feeds[market.listing.raw_symbol]
        feed.publish(step)
        if step.trades:
            self._send_candles(feed)

    def pulse(self, market: SimulatedMarket) -> None:
        """Do nothing: a market that rests is silent."""

    def beat(self) -> None:
        """Send the day's figures of the markets that moved, once a second."""
        self._beats += 1
        if self._beats % BEATS_PER_S:
            return
        for feed in self._feeds.values():
            listeners = feed.listeners.get("ticker24h")
            if listeners and feed.has_moved:
                row = self._data.ticker_24h(feed.market)
                for connection in list(listeners):
                    send_json(connection, {"event": "ticker24h", "data": [row]})
            feed.has_moved = False

    def request(self, path: str) -> Answer:
        """Answer one GET; the headers give the points left in the minute."""
        routed = rest.route(path)
        if instead := self.switches.answer_instead():
            return instead
        if routed is None:
            return rest.not_found()
        action, parameters = routed
        try:
            answer = rest.answered(self._answer_action(action, parameters))
            if action == "getBook":
                self._feeds[str(parameters["market"])].give_snapshot(None)
        except Refusal as refusal:
            answer = rest.refused(refusal)
        headers = {
            "bitvavo-ratelimit-limit": str(self._budget.points_max),
            "bitvavo-ratelimit-remaining": str(self._budget.points_left),
            "bitvavo-ratelimit-resetat": str(self._budget.ts_reset // NS_PER_MS),
        }
        return dataclasses.replace(answer, headers=headers)

    def reset_sequence(self, market: SimulatedMarket) -> None:
        """Make the market's next event number 1."""
        self._feeds[market.listing.raw_symbol].is_reset = True

    def send_snapshot(self, connection: ClientConnection, chain: ClientChain) -> int:
        """Raise: this exchange sends no book unasked."""
        raise NotImplementedError

    def final_sequence(self, market: SimulatedMarket) -> int | dict[int, int]:
        """Return the market's nonce, which all connections share."""
        return self._nonce_of(market)

    def final_depth(self) -> int:
        """Return a part of a snapshot's depth: a client may never have seen deeper levels."""
        return FINAL_DEPTH

    def mute(self, market: SimulatedMarket, *, is_muted: bool) -> None:
        """Send no events of a book; its nonce goes on, as do tickers, trades and answers."""
        self._feeds[market.listing.raw_symbol].is_muted = is_muted

    def lie(self, market: SimulatedMarket) -> None:
        """Change a level, and send nothing about it."""
        market.lie()

    def reveal(self, market: SimulatedMarket) -> None:
        """Send the hidden changes with the next event."""
        market.reveal()

    def write_oddly(self, market: SimulatedMarket, *, is_odd: bool) -> None:
        """Write a market's events oddly; acknowledge once more, channels of no market as null."""
        self._feeds[market.listing.raw_symbol].is_odd = is_odd
        if is_odd:
            channels.acknowledge_oddly(self._message_budgets)

    def answer_book_badly(self, how: str) -> None:
        """Answer the next `getBook` late, or with an old book."""
        self._bad_answer = how

    def _act(self, connection: ClientConnection, request: Parameters) -> None:
        action = request.get("action")
        if not self._message_budgets[connection].spend(1):
            raise Refusal(112, "Too many websocket messages per second.")
        if action in ("subscribe", "unsubscribe"):
            self._take_points(1)
            # One bad name refuses them all, so check every name before the first takes effect.
            wanted = [
                (channel, self._feed(connection, market))
                for channel, market in channels.wanted(request)
            ]
            change = channels.join if action == "subscribe" else channels.leave
            for channel, feed in wanted:
                change(connection, channel, feed)
            listed = {"subscriptions": channels.listed(connection)}
            send_json(connection, {"event": f"{action}d", **_echo(request), **listed})
        elif not isinstance(action, str):
            raise Refusal(UNKNOWN_ACTION, "Invalid action. Please check the request.")
        elif action.startswith(("private", "authenticate")):
            raise Refusal(300, "Authentication is required for this endpoint.")
        elif self._data.points(action, request) is None:
            raise Refusal(UNKNOWN_ACTION, "Invalid action. Please check the request.")
        elif action == "getBook":
            self._reply_later(connection, request)
        else:
            self._reply(connection, request)

    def _reply_later(self, connection: ClientConnection, request: Parameters) -> None:
        how, self._bad_answer = self._bad_answer, ""
        if how == "old":
            feed = self._feed(connection, request.get("market"))
            self._take_points(1)
            body, nonce = self._data.answer_action("getBook", request), feed.nonce
            reply = {"action": "getBook", **_echo(request), "response": body}

            def give() -> None:
                if send_json(connection, reply):
                    feed.give_snapshot(connection, nonce)

            self._later(OLD_S, give)
            return
        latency_s = LATE_S if how == "late" else BOOK_LATENCY_S
        self._later(latency_s, lambda: self._reply(connection, request))

    def _reply(self, connection: ClientConnection, request: Parameters) -> None:
        action = str(request["action"])
        try:
            response = self._answer_action(action, request)
        except Refusal as refusal:
            self._refuse(connection, request, refusal)
            return
        reply = {"action": action, **_echo(request), "response": response}
        if send_json(connection, reply) and action == "getBook":
            self._feeds[str(request["market"])].give_snapshot(connection)

    def _refuse(self, connection: ClientConnection, request: Parameters, refusal: Refusal) -> None:
        action = "unknown" if refusal.code == UNKNOWN_ACTION else request.get("action")
        reply = {"action": action, **_echo(request)}
        if refusal.market is not None and action not in ("subscribe", "unsubscribe"):
            reply["market"] = refusal.market
        send_json(connection, {**reply, "errorCode": refusal.code, "error": refusal.error})

    def _answer_action(self, action: str, parameters: Parameters) -> object:
        points = self._data.points(action, parameters)
        assert points is not None
        self._take_points(points)
        return self._data.answer_action(action, parameters)

    def _take_points(self, points: int) -> None:
        if not self._budget.spend(points):
            raise banned(self._budget.ts_blocked_until)

    def _feed(self, connection: ClientConnection, raw_symbol: object) -> BitvavoFeed:
        try:
            return self._feeds[self._data.find(raw_symbol).listing.raw_symbol]
        except Refusal:
            if isinstance(raw_symbol, str) and raw_symbol in self._feeds:
                listing = self._feeds[raw_symbol].market.listing
                self._truth.fault("bad_symbol", connection=connection.number, listing=listing)
            raise

    def _send_candles(self, feed: BitvavoFeed) -> None:
        for interval, interval_s in INTERVALS_S.items():
            key = channels.candles_key(interval)
            for connection in list(feed.listeners.get(key, ())):
                candle = next(self._data.candles(feed.market, interval_s))
                name = feed.market.listing.raw_symbol
                event = {"event": "candle", "market": name, "interval": interval}
                send_json(connection, {**event, "candle": [candle]})

    def _nonce_of(self, market: SimulatedMarket) -> int:
        return self._feeds[market.listing.raw_symbol].nonce


def _echo(request: Parameters) -> Parameters:
    return {"requestId": request["requestId"]} if "requestId" in request else {}
