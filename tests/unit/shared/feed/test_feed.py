"""One connection's messages, silences and faults, without a socket or a clock."""

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import pytest

from shared.errors import ConnectionLost, MalformedMessage, Stale
from shared.event import (
    Chatter,
    Checkpoint,
    Delta,
    FeedEvent,
    Recorded,
    Refused,
    Row,
    Snapshot,
    Subscribed,
    Throttled,
    Ticker,
    Trade,
    TradeList,
)
from shared.exchange import Call, Cost, Exchange, Limit, ListedMarket, Message, Raw, Rest
from shared.feed.board import FeedView
from shared.feed.counts import NAMES_MAX
from shared.feed.feed import CALM_CHORES_S, CHORES_S, Feed
from shared.feed.names import Names
from tests.support.levels import levels
from tests.support.readers import make_board
from tests.support.toys import make_exchange, market

SECOND = 1_000_000_000
SYMBOLS = ("BTC-EUR", "ETH-EUR")
RAWS = ["BTCEUR", "ETHEUR"]


class World:
    """A feed of a made-up exchange, its clock, and everything that it recorded and sent."""

    def __init__(
        self,
        ready: Literal["acknowledgement", "data"] = "acknowledgement",
        *,
        asks_snapshots: bool = True,
        channels: Sequence[str] = ("book", "trades", "ticker"),
        symbols: Sequence[str] = SYMBOLS,
        offers_trades: bool = False,
        subscribe_cost: Cost | None = None,
    ) -> None:
        self.now_s = 1000.0
        self.rows: list[tuple[str | None, Recorded]] = []
        self.sent: list[str] = []
        self.board = make_board(symbols, channels)
        self.bans: list[float] = []
        self.wait_s = 0.0
        self.connections = itertools.count(3)  # this is not the first socket
        self._said: dict[bytes, list[Message] | MalformedMessage] = {}
        self.exchange = Exchange(
            name="toy",
            symbols=SYMBOLS,
            websocket_url="ws://127.0.0.1/",
            rest_url="http://127.0.0.1/",
            symbols_per_socket=10,
            raw_symbol=lambda symbol: symbol.replace("-", ""),
            parse=self._parse,
            subscribe=lambda c, raws: [f"join {','.join(c)} {','.join(raws)}"],
            unsubscribe=lambda c, raws: [f"leave {','.join(c)} {','.join(raws)}"],
            subscribe_cost=subscribe_cost,
            ready=ready,
            snapshot_by="message" if asks_snapshots else "first",
            request_snapshot=(lambda raw: f"book {raw}") if asks_snapshots else None,
            snapshot_cost=Cost("points"),
            snapshot_interval_s=0.2,
            limits={"points": Limit(points=100, interval_s=60)},
            rest=_rest(offers_trades=offers_trades),
        )
        self.feed = Feed(
            self.exchange,
            self.board,
            spend=lambda _cost: self.wait_s,
            ban=self.bans.append,
            stale_after_s=20.0,
            checkpoint_interval_s=3600.0,
        )

    def _parse(self, raw: Raw) -> list[Message]:
        said = self._said[bytes(raw)]
        if isinstance(said, MalformedMessage):
            raise said
        return said

    def say(self, *messages: Message | MalformedMessage) -> None:
        """Let the exchange say this, each in a message of its own."""
        for message in messages:
            key = str(len(self._said)).encode()
            self._said[key] = message if isinstance(message, MalformedMessage) else [message]
            self.record(self.feed.receive(int(self.now_s * SECOND), self.now_s, [key]))

    def later(self, seconds: float = 0.0) -> list[str]:
        """Let time pass and the chores be done; return what was sent."""
        self.now_s += seconds
        chores = self.feed.chores(int(self.now_s * SECOND), self.now_s)
        if chores is None:
            return []
        self.record(chores.rows)
        if chores.lost:
            raise chores.lost
        self.sent += chores.messages
        return chores.messages

    def record(self, rows: list[Row]) -> None:
        self.rows += [(symbol, event) for _, symbol, event in rows]

    @property
    def view(self) -> FeedView:
        """Return how the feed stands now."""
        self.feed.show()
        return self.board.feed

    def wait(self, seconds: int) -> None:
        """Let time pass a second at a time."""
        for _ in range(seconds):
            self.later(1)

    def connect(self) -> list[str]:
        number = next(self.connections)
        ts, url = int(self.now_s * SECOND), "ws://127.0.0.1/"
        self.record(self.feed.connected(ts, self.now_s, url, number))
        return self.later()

    def disconnect(self, reason: str = "reset") -> None:
        self.record(self.feed.disconnected(int(self.now_s * SECOND), reason))

    def go_live(self) -> None:
        """Connect, and get every book live at sequence 10."""
        self.connect()
        if self.exchange.ready == "acknowledgement":
            self.say(*(Subscribed(c, RAWS) for c in ("book", "trades", "ticker")))
            for _ in RAWS:
                self.later(0.3)
        self.say(*(book(raw, 10) for raw in RAWS))
        assert self.view.live == set(SYMBOLS)
        self.rows.clear()
        self.sent.clear()

    def kinds(self) -> list[str]:
        return [e.kind for _, e in self.rows if isinstance(e, FeedEvent)]

    def details(self, kind: str) -> list[dict[str, Any]]:
        rows = [e for _, e in self.rows if isinstance(e, FeedEvent) and e.kind == kind]
        return [msgspec.json.decode(row.detail) for row in rows]

    def recorded(self, kind: Any = object) -> list[Any]:
        return [event for _, event in self.rows if isinstance(event, kind)]


def _rest(*, offers_trades: bool) -> Rest:
    def nothing(*_: object) -> list[ListedMarket]:
        return []

    call = Call(path=lambda *_: "/")
    return Rest(
        markets=call,
        parse_markets=nothing,
        book=call,
        parse_book=lambda raw_symbol, _: Snapshot(raw_symbol, *levels([], [])),
        ban_s=lambda *_: None,
        trades=call if offers_trades else None,
    )


def book(raw: str, sequence: int) -> Snapshot:
    return Snapshot(raw, *levels([("99", "1")], [("101", "1")]), sequence)


def delta(raw: str, sequence: int, price: str = "98") -> Delta:
    return Delta(raw, *levels([(price, "1")], []), sequence)


def trade(number: int) -> Trade:
    return Trade("BTCEUR", f"t{number}", "buy", 100.0, 1.0)


def trades(*numbers: int) -> TradeList:
    return TradeList("BTCEUR", [trade(number) for number in numbers])


# --- subscriptions -------------------------------------------------------------------------------


def test_a_connection_subscribes_to_everything_and_asks_for_each_book_at_a_pace() -> None:
    world = World()
    assert ["join book,trades,ticker BTCEUR,ETHEUR"] == world.connect()
    assert world.later(1) == []
    world.say(*(Subscribed(c, RAWS) for c in ("book", "trades", "ticker")))
    asked = world.later(0.1) + world.later(0.1) + world.later(0.1)
    assert sorted(asked) == ["book BTCEUR", "book ETHEUR"]
    assert ["connected", "subscribed", "subscribed", "subscribed"] == world.kinds()
    assert {"connection": 3, "channel": "book", "symbols": 2} == world.details("subscribed")[0]


def test_a_snapshot_waits_until_the_limit_allows_it() -> None:
    world = World(symbols=["BTC-EUR"])
    world.connect()
    world.say(*(Subscribed(c, RAWS[:1]) for c in ("book", "trades", "ticker")))
    world.wait_s = 7.0
    assert world.later(0.1) == []
    world.wait_s = 0.0
    assert world.later(6.0) == []
    assert ["book BTCEUR"] == world.later(1.1)


def test_one_bad_symbol_is_dropped_and_the_rest_asked_for_again() -> None:
    world = World()
    world.connect()
    world.say(Refused("subscribe", "market ETHEUR is invalid", "ETHEUR"))
    assert ["join book,trades,ticker BTCEUR"] == world.later(0.1)
    world.say(*(Subscribed(c, ["BTCEUR"]) for c in ("book", "trades", "ticker")))
    assert ("ETH-EUR", "subscription_refused") in [
        (symbol, event.kind) for symbol, event in world.rows if isinstance(event, FeedEvent)
    ]
    assert {"ETH-EUR"} == world.view.refused


def test_a_refusal_that_names_nobody_is_narrowed_down_by_halves() -> None:
    world = World(symbols=["A-E", "B-E", "C-E", "D-E"])
    bad = "CE"
    sent = world.connect()
    while sent:
        asked = sent[0].rpartition(" ")[2].split(",")
        if bad in asked:
            world.say(Refused("subscribe", "market parameter is invalid."))
        else:
            world.say(*(Subscribed(c, asked) for c in ("book", "trades", "ticker")))
        sent = [m for m in world.later(0.1) if m.startswith("join")]
    assert {"C-E"} == world.view.refused
    ready = {"A-E", "B-E", "D-E"}
    assert ready == {s for s in ("A-E", "B-E", "C-E", "D-E") if s not in world.view.refused}
    assert 1 == world.kinds().count("subscription_refused")


def test_a_refused_symbol_is_asked_for_again_after_ten_minutes() -> None:
    world = World(symbols=["BTC-EUR"])
    world.connect()
    world.say(Refused("subscribe", "no", "BTCEUR"))
    assert world.later(590) == []
    world.later(20)
    assert world.sent[-1] == "join book,trades,ticker BTCEUR"


def test_an_unanswered_subscription_is_repeated_and_then_the_connection_given_up() -> None:
    world = World()
    world.connect()
    world.later(10.1)
    assert [] != world.later(0.1)
    with pytest.raises(ConnectionLost, match="no answer"):
        world.later(10.1)


def test_where_only_data_proves_a_subscription_silence_is_asked_again_and_then_refused() -> None:
    world = World("data", asks_snapshots=False, channels=["book"], symbols=["BTC-EUR"])
    world.connect()
    world.say(Subscribed("book", ["BTCEUR"]))
    assert "subscribed" not in world.kinds()
    assert ["leave book BTCEUR", "join book BTCEUR"] == world.later(10.1)
    world.later(10.1)
    assert world.kinds()[-2:] == ["subscription_refused", "subscribed"]
    assert {"BTC-EUR"} == world.view.refused
    world.say(book("BTCEUR", 4))
    assert world.view.live == {"BTC-EUR"}
    assert set() == world.view.refused


def test_listings_and_delistings_are_followed_without_touching_the_others() -> None:
    world = World()
    world.go_live()
    world.board.wanted = ("ETH-EUR", "XRP-EUR")
    sent = world.later(0.1)
    assert ["leave book,trades,ticker BTCEUR", "join book,trades,ticker XRPEUR"] == sent
    left = FeedEvent("gap", detail='{"channel":"book","reason":"no longer listed"}')
    assert [("BTC-EUR", left)] == world.rows
    world.say(*(Subscribed(c, ["XRPEUR", "ETHEUR"]) for c in ("book", "trades", "ticker")))
    world.later(0.1)
    assert [("book", 2), ("trades", 2), ("ticker", 2)] == [
        (detail["channel"], detail["symbols"]) for detail in world.details("subscribed")
    ]
    world.say(delta("BTCEUR", 11), delta("ETHEUR", 11))
    assert ["ETH-EUR"] == [symbol for symbol, event in world.rows if isinstance(event, Delta)]


def test_names_that_are_learnt_late_replace_those_of_the_rule() -> None:
    world = World()
    world.board.names = Names(make_exchange(names="list", raw_symbol=lambda symbol: f"?{symbol}"))
    assert ["join book,trades,ticker ?BTC-EUR,?ETH-EUR"] == world.connect()
    world.say(Refused("subscribe", "no such market", "?ETH-EUR"))
    assert ["join book,trades,ticker ?BTC-EUR"] == world.later(0.1)
    world.say(Refused("subscribe", "no such market", "?BTC-EUR"))
    world.board.names.learn([market("BTC-EUR"), market("ETH-EUR")])
    assert ["join book,trades,ticker BTCEUR,ETHEUR"] == world.later(0.1)
    assert [] == world.later(0.1)
    world.feed.show()
    assert set() == world.view.refused


def test_a_refused_symbol_that_is_no_longer_wanted_is_forgotten() -> None:
    world = World()
    world.connect()
    world.say(Refused("subscribe", "market ETHEUR is invalid", "ETHEUR"))
    world.later(0.1)
    world.say(*(Subscribed(c, ["BTCEUR"]) for c in ("book", "trades", "ticker")))
    world.board.wanted = ("BTC-EUR",)
    world.later(0.1)
    assert set() == world.view.refused


def test_while_an_answer_is_due_listings_wait() -> None:
    world = World()
    world.connect()
    world.board.wanted = ("BTC-EUR",)
    assert [] == world.later(0.1)
    world.say(*(Subscribed(c, RAWS) for c in ("book", "trades", "ticker")))
    sent = world.later(0.1)
    assert "leave book,trades,ticker ETHEUR" == sent[0]
    assert "book ETHEUR" not in world.later(1) + world.later(1) + sent
    world.say(*(Subscribed(c, RAWS) for c in ("book", "trades", "ticker")))
    assert ["book BTCEUR"] == [message for message in world.sent if message.startswith("book")]


def test_a_symbol_that_is_delisted_while_it_waits_for_its_book_is_not_asked_for() -> None:
    world = World()
    world.go_live()
    for sequence in (15, 25):  # the second resync is due a second later
        world.say(delta("BTCEUR", sequence))
        world.later(0.3)
        world.say(book("BTCEUR", sequence))
    world.say(delta("BTCEUR", 35))
    world.board.wanted = ("ETH-EUR",)
    world.sent.clear()
    world.wait(20)
    assert ["leave book,trades,ticker BTCEUR"] == world.sent


def test_a_symbol_that_comes_back_has_none_of_its_old_prices() -> None:
    world = World("data", asks_snapshots=False)
    world.connect()
    world.say(Ticker("BTCEUR", bid_price=9.0))
    for wanted in (("ETH-EUR",), SYMBOLS):
        world.board.wanted = wanted
        world.later(0.1)
    world.say(Ticker("BTCEUR", ask_price=10.0))
    assert [Ticker("BTCEUR", ask_price=10.0)] == world.recorded(Ticker)[1:]


def test_a_symbol_that_comes_back_has_a_gap_in_its_trades() -> None:
    world = World("data", asks_snapshots=False)
    world.connect()
    world.say(trades(1, 2))
    world.board.wanted = ("ETH-EUR",)
    world.later(0.1)
    world.board.wanted = SYMBOLS
    world.later(0.1)
    world.say(trades(8, 9))
    assert ["t2"] == [detail["last"] for detail in world.details("gap")]


# --- books ---------------------------------------------------------------------------------------


def test_deltas_held_for_their_snapshot_are_recorded_after_it() -> None:
    world = World(symbols=["BTC-EUR"])
    world.connect()
    world.say(delta("BTCEUR", 8))
    world.say(*(Subscribed(c, ["BTCEUR"]) for c in ("book", "trades", "ticker")))
    world.later(0.1)
    world.say(delta("BTCEUR", 9), delta("BTCEUR", 10), delta("BTCEUR", 11), book("BTCEUR", 10))
    events = world.recorded(Snapshot | Delta)
    assert [10, 11] == [event.sequence for event in events]
    assert [Snapshot, Delta] == [type(event) for event in events]


@pytest.mark.parametrize("sequence", [13, 3, 11, -5])
def test_a_gap_is_a_row_and_only_its_own_symbol_is_resynced(sequence: int) -> None:
    world = World()
    world.go_live()
    world.say(delta("BTCEUR", 11))
    world.rows.clear()
    world.say(delta("BTCEUR", sequence), delta("ETHEUR", 11), delta("BTCEUR", sequence + 1))
    gap = world.recorded(FeedEvent)[0]
    assert ("gap", 12, sequence) == (gap.kind, gap.sequence_expected, gap.sequence_received)
    assert ["gap", "resync"] == world.kinds()
    assert ["ETH-EUR"] == [symbol for symbol, event in world.rows if isinstance(event, Delta)]
    assert {"ETH-EUR"} == world.view.live
    assert ["book BTCEUR"] == world.later(0.3)
    world.say(delta("BTCEUR", 20), book("BTCEUR", 20), delta("BTCEUR", 21))
    assert [20, 21] == [
        event.sequence
        for symbol, event in world.rows
        if symbol == "BTC-EUR" and isinstance(event, Snapshot | Delta)
    ]


def test_a_resync_is_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.feed.feed.CHORES_S", 100.0)
    world = World("data", asks_snapshots=False)
    world.go_live()
    world.say(delta("BTCEUR", 15))
    assert ["leave book BTCEUR", "join book BTCEUR"] == world.later()


def test_a_snapshot_older_than_the_held_deltas_is_asked_for_again() -> None:
    world = World()
    world.go_live()
    world.say(delta("BTCEUR", 13))
    world.later(0.3)
    world.say(delta("BTCEUR", 20), book("BTCEUR", 15))
    assert [] == world.recorded(Snapshot)
    world.later(1.1)
    assert "book BTCEUR" in world.later(0.3) + world.sent[1:]
    world.say(delta("BTCEUR", 21), book("BTCEUR", 21))
    assert [21] == [event.sequence for event in world.recorded(Snapshot)]


def test_a_symbol_that_keeps_failing_is_resynced_less_and_less_often() -> None:
    world = World(symbols=["BTC-EUR"])
    world.connect()
    world.say(*(Subscribed(c, ["BTCEUR"]) for c in ("book", "trades", "ticker")))
    asked = 0
    for _ in range(600):
        if "book BTCEUR" in world.later(0.1):
            asked += 1
            world.say(book("BTCEUR", 10 * asked), delta("BTCEUR", 10 * asked + 5))
    assert 5 <= asked <= 8


def test_a_snapshot_older_than_what_came_before_the_question_is_asked_for_again() -> None:
    world = World(symbols=["BTC-EUR"])
    world.connect()
    world.say(delta("BTCEUR", 50), *(Subscribed(c, ["BTCEUR"]) for c in ("book", "trades")))
    assert ["book BTCEUR"] == world.later(0.1)
    world.say(book("BTCEUR", 49))
    assert ([], 1) == (world.recorded(Snapshot), world.feed.counts.snapshots_late)
    assert [] == world.later(0.9)
    assert ["book BTCEUR"] == world.later(0.2)
    world.say(book("BTCEUR", 50), delta("BTCEUR", 51))
    assert [50, 51] == [event.sequence for event in world.recorded(Snapshot | Delta)]


def test_the_late_answer_to_a_question_that_was_asked_again_forgets_nothing() -> None:
    world = World(symbols=["BTC-EUR"])
    world.connect()
    world.say(*(Subscribed(c, ["BTCEUR"]) for c in ("book", "trades", "ticker")))
    assert ["book BTCEUR"] == world.later(0.1)
    world.say(delta("BTCEUR", 98))
    assert ["book BTCEUR"] == world.later(10.2)
    world.say(book("BTCEUR", 97), book("BTCEUR", 98), delta("BTCEUR", 99))
    assert [97, 98, 99] == [event.sequence for event in world.recorded(Snapshot | Delta)]


def test_a_snapshot_that_is_not_answered_is_asked_for_again() -> None:
    world = World(symbols=["BTC-EUR"])
    world.connect()
    world.say(*(Subscribed(c, ["BTCEUR"]) for c in ("book", "trades", "ticker")))
    assert ["book BTCEUR"] == world.later(0.1)
    assert [] == world.later(9.8)
    assert ["book BTCEUR"] == world.later(0.4)


def test_a_halted_market_is_neither_stale_nor_asked_for_often() -> None:
    world = World(symbols=["BTC-EUR"])
    world.connect()
    world.say(*(Subscribed(c, ["BTCEUR"]) for c in ("book", "trades", "ticker")))
    world.later(0.1)
    world.say(Refused("snapshot", "HALTED", "BTCEUR", is_halted=True))
    assert [] == world.later(59)
    assert ["book BTCEUR"] == world.later(2)
    assert world.later(10_000) == ["book BTCEUR"]
    assert "stale" not in world.kinds()


def test_a_snapshot_in_mid_stream_begins_a_new_epoch_whatever_its_sequence() -> None:
    world = World("data", asks_snapshots=False)
    world.go_live()
    world.say(book("BTCEUR", -7), delta("BTCEUR", -6), delta("BTCEUR", -5))
    assert [] == world.kinds()
    assert [-7, -6, -5] == [event.sequence for event in world.recorded()]


def test_a_snapshot_that_differs_from_the_book_of_its_sequence_is_a_mismatch() -> None:
    world = World("data", asks_snapshots=False)
    world.go_live()
    world.say(Snapshot("BTCEUR", *levels([("99", "2")], [("101", "1")]), 10))
    first = {"side": "bid", "price": 99.0, "ours": 1.0, "theirs": 2.0}
    assert [{"differ": 1, **first}] == world.details("mismatch")


def test_a_resync_without_questions_leaves_and_joins_and_gives_up_without_an_answer() -> None:
    world = World("data", asks_snapshots=False)
    world.go_live()
    world.say(delta("BTCEUR", 15))
    assert ["leave book BTCEUR", "join book BTCEUR"] == world.later(0.1)
    world.say(delta("BTCEUR", 16))
    assert ["gap", "resync"] == world.kinds()
    with pytest.raises(ConnectionLost, match="BTCEUR"):
        world.later(10.1)


def test_a_crossed_book_is_a_row_and_an_audit_and_goes_on() -> None:
    world = World()
    world.go_live()
    world.say(delta("BTCEUR", 11, "101"), delta("BTCEUR", 12))
    assert ["crossed"] == world.kinds()
    assert [{"bid": 101.0, "ask": 101.0, "count": 1}] == world.details("crossed")
    assert set(SYMBOLS) == world.view.live
    assert ["book BTCEUR"] == world.later(0.3)
    world.say(Snapshot("BTCEUR", *levels([("99", "1")], [("101", "1")]), 12))
    assert ["crossed", "mismatch", "audit"] == world.kinds()
    assert ["crossed"] == [detail["cause"] for detail in world.details("audit")]
    assert set(SYMBOLS) == world.view.live


def test_a_message_that_cannot_be_parsed_is_a_row_and_resyncs_the_book_it_names() -> None:
    world = World()
    world.go_live()
    world.say(MalformedMessage("no number", raw=b'{"x"' * 100, raw_symbol="BTCEUR"))
    world.say(MalformedMessage("no JSON", raw=b"\xff"))
    world.say(MalformedMessage("no trade", raw=b"7", channel="trades"))
    channels = [detail.get("channel") for detail in world.details("malformed")]
    assert ([None, None, "trades"], "malformed") == (channels, world.kinds().pop())
    world.rows.pop()
    assert ["malformed", "resync", "malformed"] == world.kinds()
    assert 200 == len(world.details("malformed")[0]["raw"])
    assert {"ETH-EUR"} == world.view.live
    assert ["book BTCEUR"] == world.later(0.3)


def test_each_live_book_has_a_checkpoint_once_an_interval_evenly_spread() -> None:
    world = World()
    world.go_live()
    turns: list[tuple[float, str | None]] = []
    for sequence in range(11, 11 + 125 * 6):
        world.later(10)
        world.say(delta("BTCEUR", sequence))
        turns += [(world.now_s, s) for s, e in world.rows if isinstance(e, Checkpoint)]
        world.rows.clear()
    assert ["BTC-EUR", "ETH-EUR", "BTC-EUR", "ETH-EUR"] == [symbol for _, symbol in turns]
    apart = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(turns)]
    assert [1800.0, 1800.0, 1800.0] == pytest.approx(apart)


def test_a_book_that_waits_for_its_turn_is_asked_for_once() -> None:
    world = World()
    world.connect()
    world.say(*(Subscribed(c, RAWS) for c in ("book", "trades", "ticker")))
    for sequence in range(11, 20):  # before anybody asked, and while somebody asks
        world.say(delta("BTCEUR", sequence), delta("ETHEUR", sequence))
        world.later(0.05)
    world.say(book("BTCEUR", 19), book("ETHEUR", 19))
    world.wait(19)
    assert ["book BTCEUR", "book ETHEUR"] == world.sent[1:]


def test_a_snapshot_in_mid_stream_makes_a_resync_needless() -> None:
    world = World("data", asks_snapshots=False)
    world.go_live()
    for sequence in (15, 25):
        world.say(delta("BTCEUR", sequence))
        world.later(0.1)
        world.say(book("BTCEUR", sequence))
    world.say(delta("BTCEUR", 35), book("BTCEUR", 40))
    world.sent.clear()
    world.wait(9)
    assert [] == world.sent
    assert set(SYMBOLS) == world.view.live


def test_a_snapshot_that_nobody_asked_for_is_counted_and_not_recorded() -> None:
    world = World()
    world.go_live()
    world.say(book("BTCEUR", 50), book("NOPE", 50))
    assert [] == world.rows
    assert 2 == world.feed.counts.snapshots_not_asked_for


def test_without_books_a_symbol_lives_by_its_subscriptions_and_nothing_is_asked() -> None:
    world = World(channels=["trades", "ticker"])
    assert ["join trades,ticker BTCEUR,ETHEUR"] == world.connect()
    world.say(Subscribed("trades", RAWS))
    assert set() == world.view.live
    world.say(Subscribed("ticker", RAWS))
    assert set(SYMBOLS) == world.view.live
    world.say(book("BTCEUR", 1), delta("BTCEUR", 2))
    world.say(MalformedMessage("no number", raw=b"", raw_symbol="BTCEUR"))
    assert [] == world.later(1)
    assert ["connected", "subscribed", "subscribed", "malformed"] == sorted(
        world.kinds(), key=["connected", "subscribed", "malformed"].index
    )


def test_of_books_that_come_with_their_subscription_those_of_others_are_not_recorded() -> None:
    world = World("data", asks_snapshots=False)
    world.go_live()
    world.say(book("NOPE", 1), TradeList("NOPE", []))
    assert [] == world.rows


# --- trades and tickers --------------------------------------------------------------------------


def test_each_trade_is_recorded_once_however_it_comes() -> None:
    world = World("data", asks_snapshots=False)
    world.connect()
    world.say(trades(1, 2, 3), trade(3), trade(4), trade(4), trades(2, 3, 4, 5))
    assert ["t1", "t2", "t3", "t4", "t5"] == [t.trade_id for t in world.recorded(Trade)]


def test_a_list_that_does_not_reach_the_last_trade_is_a_gap() -> None:
    world = World("data", asks_snapshots=False)
    world.connect()
    world.say(trades(1, 2, 3))
    world.disconnect()
    world.connect()
    world.say(trades(3, 4))
    assert "gap" not in world.kinds()
    world.disconnect()
    world.connect()
    world.say(trades(7, 8))
    gap = {"channel": "trades", "last": "t4", "first": "t7", "reason": "the list does not reach it"}
    assert [gap] == world.details("gap")
    assert ["t7", "t8"] == [t.trade_id for t in world.recorded(Trade)][-2:]


@pytest.mark.parametrize(
    ("ready", "reasons"), [("data", ["no list came"]), ("acknowledgement", [])]
)
def test_a_trade_without_the_list_that_comes_first_is_a_gap(
    ready: Literal["acknowledgement", "data"], reasons: list[str]
) -> None:
    world = World(ready, asks_snapshots=False)
    world.connect()
    world.say(trade(1))
    world.disconnect()
    world.connect()
    world.say(trade(5))
    assert reasons == [detail["reason"] for detail in world.details("gap")]


def test_trades_after_a_reconnect_are_asked_for_over_rest_and_recorded_once() -> None:
    world = World(offers_trades=True)
    world.go_live()
    world.say(trade(1))
    world.disconnect()
    world.go_live()
    question = world.board.questions.popleft()
    assert ("BTCEUR", "t1") == (question.raw_symbol, question.outage.trade_id)
    world.say(trade(4))
    world.board.answer_backfill(question, trades(1, 2, 3, 4))
    world.later(0.1)
    assert ["t4", "t2", "t3"] == [t.trade_id for t in world.recorded(Trade)]
    assert [] == world.kinds()


def test_trades_that_cannot_be_asked_for_are_a_gap() -> None:
    world = World(offers_trades=False)
    world.go_live()
    world.say(trade(1))
    world.disconnect()
    world.connect()
    world.say(Subscribed("trades", RAWS))
    world.later(0.1)
    assert ["t1"] == [detail["last"] for detail in world.details("gap")]


def test_a_trade_before_the_word_of_the_exchange_hides_no_gap() -> None:
    world = World(offers_trades=True)
    world.go_live()
    world.say(trade(1))
    world.disconnect()
    world.connect()
    world.say(trade(9), Subscribed("trades", RAWS))
    assert ["t1"] == [question.outage.trade_id for question in world.board.questions]


def test_an_answer_of_the_old_connection_is_recorded_on_the_new_one() -> None:
    world = World(offers_trades=True)
    world.go_live()
    world.say(trade(1))
    world.disconnect()
    world.go_live()
    question = world.board.questions.popleft()
    world.disconnect()
    world.board.answer_backfill(question, trades(1, 2))
    world.connect()
    assert ["t2"] == [t.trade_id for t in world.recorded(Trade)]


def test_at_the_end_a_question_without_an_answer_is_a_gap() -> None:
    world = World(offers_trades=True)
    world.go_live()
    world.say(trade(1))
    world.disconnect()
    world.go_live()
    world.disconnect("stopped")
    world.record(world.feed.end(7))
    assert ["disconnected", "gap"] == world.kinds()


def test_a_ticker_row_is_the_merged_state_and_repeats_are_none() -> None:
    world = World()
    world.go_live()
    world.say(
        Ticker("BTCEUR", bid_price=9.0, bid_size=1.0),
        Ticker("BTCEUR", ask_price=10.0),
        Ticker("BTCEUR", ask_price=10.0),
        Ticker("BTCEUR", last_price=9.5),
    )
    assert [(9.0, None, None), (9.0, 10.0, None), (9.0, 10.0, 9.5)] == [
        (t.bid_price, t.ask_price, t.last_price) for t in world.recorded(Ticker)
    ]
    world.disconnect()
    world.go_live()
    world.say(Ticker("BTCEUR", ask_price=11.0))
    assert (None, 11.0) == (
        world.recorded(Ticker)[0].bid_price,
        world.recorded(Ticker)[0].ask_price,
    )


# --- the connection ------------------------------------------------------------------------------


def test_silence_after_data_is_stale_and_patience_doubles_until_data_flows_again() -> None:
    world = World()
    world.go_live()
    world.say(delta("BTCEUR", 11))
    for patience_s in (20, 40, 80, 160, 320, 600, 600, 600):
        with pytest.raises(Stale):
            world.wait(1000)
        assert ["stale"] == world.kinds()
        assert list(SYMBOLS) == world.details("stale")[0]["symbols"]
        assert patience_s < world.details("stale")[0]["silent_s"] <= patience_s + 1
        world.disconnect()
        world.go_live()
    world.say(delta("BTCEUR", 11))
    world.later(1)
    world.say(delta("BTCEUR", 12))
    with pytest.raises(Stale):
        world.later(20.1)


@pytest.mark.parametrize("ready", ["acknowledgement", "data"])
def test_live_books_that_never_change_are_stale_some_time(
    ready: Literal["acknowledgement", "data"],
) -> None:
    world = World(ready, asks_snapshots=ready != "data")
    world.go_live()
    with pytest.raises(Stale):
        world.wait(700)
    assert 600 < world.details("stale")[0]["silent_s"] <= 601


def test_a_quiet_symbol_alone_is_never_stale() -> None:
    world = World()
    world.go_live()
    for sequence in range(11, 200):
        world.say(delta("BTCEUR", sequence))
        world.later(10)
    assert [] == world.kinds()


def test_the_first_answer_of_a_subscription_is_no_flow_of_data() -> None:
    world = World("data", asks_snapshots=False)
    world.connect()
    world.say(book("BTCEUR", 1), trades(1))
    assert not world.feed.is_flowing
    world.say(delta("BTCEUR", 2))
    assert world.feed.is_flowing


def test_a_change_of_a_book_that_was_refused_has_it_asked_for_at_once() -> None:
    world = World()
    world.connect()
    world.say(*(Subscribed(c, RAWS) for c in ("book", "trades", "ticker")))
    assert ["book BTCEUR"] == world.later(0.3)
    world.say(Refused("snapshot", "halted", "BTCEUR", is_halted=True))
    world.wait(20)
    assert 1 == world.sent.count("book BTCEUR")
    world.say(delta("BTCEUR", 11))
    assert ["book BTCEUR"] == world.later(0.2)
    world.say(book("BTCEUR", 10))
    assert [10, 11] == [event.sequence for event in world.recorded((Snapshot, Delta))]


def test_who_is_refused_again_and_again_is_asked_ever_more_seldom() -> None:
    world = World()
    world.connect()
    world.say(*(Subscribed(c, RAWS) for c in ("book", "trades", "ticker")))
    asked = 0
    for sequence in range(240):
        world.say(delta("BTCEUR", sequence))
        if "book BTCEUR" in world.later(0.25):
            asked += 1
            world.say(Refused("snapshot", "halted", "BTCEUR", is_halted=True))
    assert 4 <= asked <= 9


def test_a_change_of_a_subscription_that_brought_nothing_is_proof_that_the_market_lives() -> None:
    world = World("data", asks_snapshots=False, channels=["book"])
    world.connect()
    world.say(book("ETHEUR", 1))
    world.wait(25)
    assert {"BTC-EUR"} == world.view.refused
    world.sent.clear()
    world.wait(20)
    assert [] == world.sent
    world.say(delta("BTCEUR", 11))
    world.later(0.2)
    assert ["leave book BTCEUR", "join book BTCEUR"] == world.sent
    world.say(book("BTCEUR", 12))
    assert set(SYMBOLS) == world.view.live


def test_a_market_that_is_halted_and_trades_again_begins_its_book_anew() -> None:
    world = World()
    world.go_live()
    world.board.statuses["BTC-EUR"] = "halted"
    world.later(0.2)
    assert ["stale"] == world.kinds()
    assert {"ETH-EUR"} == world.view.live
    world.board.statuses["BTC-EUR"] = "trading"
    assert ["book BTCEUR"] == world.later(0.2)
    world.say(book("BTCEUR", 11), delta("BTCEUR", 12))
    assert [11, 12] == [event.sequence for event in world.recorded((Snapshot, Delta))]


def test_when_the_exchange_says_stop_nothing_is_asked_until_the_wait_is_over() -> None:
    world = World()
    world.connect()
    world.say(Throttled("ban", wait_s=900))
    world.say(Throttled("ban", wait_s=900))
    assert [900, 900] == world.bans
    assert 1 == world.kinds().count("rate_limited")
    assert [] == world.later(899)
    assert ["join book,trades,ticker BTCEUR,ETHEUR"] == world.later(2)


def test_while_nothing_may_be_asked_no_connection_is_stale() -> None:
    world = World()
    world.go_live()
    world.say(delta("BTCEUR", 11))
    world.say(Throttled("ban", wait_s=900))
    world.wait(899)
    assert "stale" not in world.kinds()
    with pytest.raises(Stale):
        world.wait(22)


def test_a_connection_that_waits_for_points_to_subscribe_is_not_stale() -> None:
    world = World(subscribe_cost=Cost("points"))
    world.go_live()
    world.say(delta("BTCEUR", 11))
    world.disconnect()
    world.wait_s = 900.0
    world.connect()
    world.wait(300)
    assert "stale" not in world.kinds()
    world.wait_s = 0.0
    world.sent.clear()
    world.wait(1)
    assert ["join book,trades,ticker BTCEUR,ETHEUR"] == world.sent


def test_a_refused_connection_is_a_row() -> None:
    world = World()
    world.record(world.feed.connection_refused(7, 60.0, "429"))
    assert [{"wait_s": 60.0, "reason": "429"}] == world.details("rate_limited")


def test_chores_are_not_done_at_every_look() -> None:
    world = World()
    world.connect()
    world.board.wanted = ("BTC-EUR",)
    world.say(*(Subscribed(c, RAWS) for c in ("book", "trades", "ticker")))
    assert [] == world.later(0.8 * CHORES_S)
    assert [] != world.later(0.4 * CHORES_S)


def test_a_refusal_of_a_snapshot_that_names_nobody_is_only_counted() -> None:
    world = World()
    world.go_live()
    world.say(Refused("snapshot", "no"))
    assert 1 == world.feed.counts.refused["snapshot"]
    assert [] == world.rows


def test_a_lost_connection_ends_every_book() -> None:
    world = World()
    world.go_live()
    world.disconnect("reset by peer")
    assert set() == world.view.live
    ended = {"connection": 3, "symbols": ["BTC-EUR", "ETH-EUR"], "reason": "reset by peer"}
    assert [ended] == world.details("disconnected")
    world.connect()
    world.say(delta("BTCEUR", 11))
    assert [] == world.recorded(Delta)


def test_only_the_books_that_go_on_end_with_their_connection() -> None:
    world = World()
    world.go_live()
    world.say(delta("BTCEUR", 15))
    world.disconnect()
    assert [["ETH-EUR"]] == [detail["symbols"] for detail in world.details("disconnected")]


def test_what_a_silent_connection_ended_does_not_end_again_with_it() -> None:
    world = World()
    world.go_live()
    with pytest.raises(Stale):
        world.wait(700)
    assert set() == world.view.live
    world.say(delta("BTCEUR", 11), book("BTCEUR", 12), trade(9), Subscribed("book", RAWS))
    world.disconnect()
    assert ["stale", "disconnected"] == world.kinds()
    details = world.details("stale") + world.details("disconnected")
    assert [list(SYMBOLS), []] == [detail["symbols"] for detail in details]
    assert [3, 3] == [detail["connection"] for detail in details]
    assert 2 == len(world.rows)
    world.go_live()


def test_rows_of_a_connection_have_its_number() -> None:
    world = World()
    for _ in range(2):
        world.connect()
        world.say(*(Subscribed(c, RAWS) for c in ("book", "trades", "ticker")))
        world.later(0.3)
        world.disconnect()
    numbers = {
        kind: [detail["connection"] for detail in world.details(kind)]
        for kind in ("connected", "subscribed", "disconnected")
    }
    assert {
        "connected": [3, 4],
        "subscribed": [3, 3, 3, 4, 4, 4],
        "disconnected": [3, 4],
    } == numbers


def test_chatter_is_counted_apart_from_what_nobody_knows() -> None:
    world = World()
    world.connect()
    world.say(*(Chatter(str(number)) for number in range(10 * NAMES_MAX)))
    world.say(Chatter("news", is_known=False), Chatter("3"))
    counts = world.feed.counts
    assert {"news": 1} == counts.unknown
    assert NAMES_MAX + 1 == len(counts.chatter)
    assert (2, 9 * NAMES_MAX) == (counts.chatter["3"], counts.chatter["others"])


def test_what_was_not_asked_for_is_counted_and_not_recorded() -> None:
    world = World(channels=["book"])
    world.connect()
    world.say(Trade("BTCEUR", "1", None, 1.0, 1.0), delta("../etc", 1), Ticker("NOPE"))
    assert ["connected"] == world.kinds()
    assert 1 == len(world.rows)
    assert 3 == world.feed.counts.not_asked_for


def test_while_nothing_is_asked_for_chores_are_done_less_often() -> None:
    world = World()
    world.go_live()
    world.later(CHORES_S)
    at_s = world.now_s
    assert world.feed.chores(0, at_s + CALM_CHORES_S - 0.01) is None
    world.board.statuses["BTC-EUR"] = "halted"  # which waits for nothing
    world.later(0.01)
    assert ["stale"] == world.kinds()
    at_s = world.now_s
    assert world.feed.chores(0, at_s + CALM_CHORES_S - 0.01) is None
    assert world.feed.chores(0, at_s + CALM_CHORES_S) is not None
    world.board.statuses["BTC-EUR"] = "trading"
    world.now_s = at_s + CALM_CHORES_S
    assert ["book BTCEUR"] == world.later(0.01)  # whose answer is awaited
    assert world.feed.chores(0, world.now_s + CHORES_S) is not None
