"""What an ingest says of itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.delivery.frame import DAY_NS
from shared.delivery.journal import Journal
from shared.errors import MalformedMessage
from shared.event import Chatter, Refused, Subscribed, Trade
from shared.exchange import Message, Raw
from shared.feed.board import Board, FeedView, Link
from shared.feed.feed import Feed
from shared.ingest.recorder import RecorderView
from shared.ingest.status import IngestStatus, View
from shared.process.kernel_clock import KernelClock
from shared.process.status import FeedCounts, IngestReport, StatusFile, read
from tests.support.frames import SESSION, make_frame
from tests.support.readers import make_board, make_feed
from tests.support.toys import SECOND, book, make_exchange

NOON = 20_000 * DAY_NS + DAY_NS // 2


class World:
    """An ingest that stands still, its clocks, and the file that it writes."""

    def __init__(self, folder: Path) -> None:
        self.ts = NOON
        self.now_s = 1000.0
        self.boards: list[Board] = []
        self._feeds: dict[int, Feed] = {}
        self._said: list[Message | MalformedMessage] = []
        self.journal = Journal.create(folder / "journal" / "toy", SESSION)
        self.recorded = RecorderView()
        self._path = folder / "status" / "ingest_toy-a.json"
        file = StatusFile(self._path, "ingest_toy-a", clock_ns=lambda: self.ts)
        self.status = IngestStatus(file, now_s=self.now_s)

    def later(self, seconds: int = 1) -> None:
        self.ts += seconds * SECOND
        self.now_s += seconds

    def write(self, **changes: Any) -> IngestReport:
        """Write the file and return what it says."""
        values: dict[str, Any] = {
            "exchange": "toy",
            "line": "a",
            "ts": self.ts,
            "now_s": self.now_s,
            "boards": self.boards,
            "recorder": self.recorded,
            "journal": self.journal,
            "journals": [self.journal],
            "sessions_refused": [],
            "disk_free_bytes": 77,
            "is_paused": False,
            "is_stopping": False,
            "blocked_s": 0.0,
            "rest_error": "",
            "poll_interval_s": None,
        }
        self.status.write(View(**{**values, **changes}))
        report = read(self._path, IngestReport)
        assert report is not None
        return report

    def say(self, board: Board, *messages: Message | MalformedMessage) -> None:
        """Let the exchange say this on one connection."""
        feed = self._feeds[id(board)]
        for message in messages:
            self._said.append(message)
            feed.receive(self.ts, self.now_s, [b"%d" % (len(self._said) - 1)])
        feed.show()

    def connect(self, *symbols: str, channels: Sequence[str] = ("book",)) -> Board:
        """Add a feed that is connected and has asked for its symbols."""
        exchange = make_exchange(parse=self._parse)
        board = make_board(symbols, channels)
        self._feeds[id(board)] = make_feed(exchange, board)
        self.boards.append(board)
        self.up(board)
        return board

    def _parse(self, raw: Raw) -> list[Message]:
        said = self._said[int(bytes(raw))]
        if isinstance(said, MalformedMessage):
            raise said
        return [said]

    def up(self, board: Board) -> None:
        board.link = Link(is_connected=True, reconnects=board.link.reconnects)
        feed = self._feeds[id(board)]
        feed.connected(self.ts, self.now_s, "ws://127.0.0.1/", 0)
        feed.chores(self.ts, self.now_s)

    def go_live(self, board: Board) -> None:
        """Let the exchange say all that its books need."""
        raw_symbols = [symbol.replace("-", "") for symbol in board.wanted]
        self.say(board, *(Subscribed(channel, raw_symbols) for channel in board.channels))
        for raw_symbol in raw_symbols:
            self.later()
            self._feeds[id(board)].chores(self.ts, self.now_s)
            self.say(board, book(raw_symbol, 1))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.journal.close()


def test_an_ingest_that_just_began_is_connecting(world: World) -> None:
    report = world.write()
    assert "connecting" == report.state
    assert ("toy", "a", SESSION) == (report.exchange, report.line, report.session)
    assert (0, 0, 0) == (report.symbols, report.connections, report.sockets)
    assert report.unreachable_since is None
    assert report.poll_interval_s is None


def test_with_all_its_books_it_is_live_and_with_some_degraded(world: World) -> None:
    first, second = world.connect("BTC-EUR"), world.connect("ETH-EUR", "XRP-EUR")
    world.go_live(second)
    report = world.write()
    assert ("degraded", 3, 2) == (report.state, report.symbols, report.live)
    assert ["BTC-EUR"] == report.waiting
    assert (2, 2) == (report.connections, report.sockets)
    world.go_live(first)
    report = world.write()
    assert ("live", 3, []) == (report.state, report.live, report.waiting)


def test_the_state_says_since_when(world: World) -> None:
    board = world.connect("BTC-EUR")
    assert world.ts == world.write().since
    since = world.ts
    world.later(5)
    assert since == world.write().since
    world.go_live(board)
    assert world.ts == world.write().since


def test_an_ingest_that_stops_or_has_no_room_says_so_first(world: World) -> None:
    world.go_live(world.connect("BTC-EUR"))
    assert "disk_full" == world.write(is_paused=True).state
    assert "stopping" == world.write(is_paused=True, is_stopping=True).state


def test_an_outage_is_told_with_its_beginning_and_its_reason(world: World) -> None:
    up, down = world.connect("BTC-EUR"), world.connect("ETH-EUR")
    world.go_live(up)
    down.link = Link(down_since_s=world.now_s, error="reset by peer")
    since = world.ts
    world.later(7)
    report = world.write(rest_error="busy")
    assert ("connecting", since, "reset by peer") == (
        report.state,
        report.unreachable_since,
        report.last_error,
    )
    assert 1 == report.connections
    assert world.write(is_paused=True).unreachable_since is None  # we hung up ourselves
    world.up(down)
    report = world.write(rest_error="busy")
    assert (None, "busy") == (report.unreachable_since, report.last_error)


def test_refused_symbols_are_told_and_wait_for_nothing(world: World) -> None:
    board = world.connect("BTC-EUR", "ETH-EUR")
    world.say(board, Refused("subscribe", "no", "ETHEUR"))
    report = world.write()
    assert (["ETH-EUR"], ["BTC-EUR"]) == (report.refused, report.waiting)


def test_with_all_that_is_not_refused_it_is_live(world: World) -> None:
    refusing = world.connect("ETH-EUR")
    world.go_live(world.connect("BTC-EUR"))
    assert "degraded" == world.write().state
    world.say(refusing, Refused("subscribe", "no", "ETHEUR"))
    assert ("live", 2, 1) == tuple(
        getattr(world.write(), name) for name in ("state", "symbols", "live")
    )


def test_where_all_is_refused_nothing_is_live(world: World) -> None:
    world.say(world.connect("ETH-EUR"), Refused("subscribe", "no", "ETHEUR"))
    assert "degraded" == world.write().state


def test_one_that_is_disabled_says_so_and_that_nothing_is_away(world: World) -> None:
    report = world.write(is_enabled=False)
    assert ("disabled", None, 0) == (report.state, report.unreachable_since, report.symbols)
    assert "stopping" == world.write(is_enabled=False, is_stopping=True).state


def test_a_symbol_lives_by_its_book_whatever_else_there_is_of_it(world: World) -> None:
    books, tickers = world.connect("BTC-EUR"), world.connect("BTC-EUR", channels=["ticker"])
    world.say(tickers, Subscribed("ticker", ["BTCEUR"]))
    assert "degraded" == world.write().state
    world.go_live(books)
    assert "live" == world.write().state


def test_where_no_books_are_recorded_it_lives_by_its_subscription(world: World) -> None:
    tickers = world.connect("BTC-EUR", channels=["ticker"])
    assert "degraded" == world.write().state
    world.say(tickers, Subscribed("ticker", ["BTCEUR"]))
    assert "live" == world.write().state


def test_polled_books_count_as_well(world: World) -> None:
    board = make_board(["BTC-EUR", "ETH-EUR"], ["book"])
    world.boards.append(board)
    report = world.write(poll_interval_s=2.5)
    assert ("connecting", 2, 0, 2.5) == (
        report.state,
        report.symbols,
        report.live,
        report.poll_interval_s,
    )
    board.link = Link(is_connected=True)
    board.feed = FeedView(refused=frozenset(["ETH-EUR"]), messages=5)
    report = world.write()
    assert ("degraded", ["ETH-EUR"], 1) == (
        report.state,
        report.refused,
        report.connections,
    )
    assert 5 == report.messages_total


def test_totals_are_those_of_all_sockets(world: World) -> None:
    first, second = world.connect("BTC-EUR"), world.connect("ETH-EUR")
    world.say(first, Subscribed("book", ["BTCEUR"]))
    world.say(second, Subscribed("book", ["ETHEUR"]), Subscribed("book", ["ETHEUR"]))
    for board, reconnects in ((first, 2), (second, 3)):
        board.link = Link(is_connected=True, reconnects=reconnects)
    world.recorded = RecorderView(events=4, kinds={"gap": 2, "malformed": 1})
    world.later(2)
    report = world.write()
    assert (3, 4, 5) == (report.messages_total, report.events_total, report.reconnects)
    assert {"gap": 2, "malformed": 1} == report.kinds
    assert 1.5 == report.messages_per_s


def test_a_market_that_does_not_trade_is_no_trouble(world: World) -> None:
    board = world.connect("BTC-EUR", "ETH-EUR")
    board.feed = FeedView(frozenset({"BTC-EUR"}))
    report = world.write()
    assert ("degraded", ["ETH-EUR"], []) == (report.state, report.waiting, report.halted)
    report = world.write(not_trading=frozenset({"ETH-EUR", "XRP-EUR"}))
    assert ("live", [], ["ETH-EUR"]) == (report.state, report.waiting, report.halted)
    board.feed = FeedView(frozenset({"BTC-EUR"}), frozenset({"ETH-EUR"}))
    report = world.write(not_trading=frozenset({"ETH-EUR", "BTC-EUR"}))
    assert ("live", [], ["ETH-EUR"]) == (report.state, report.refused, report.halted)


def test_what_is_no_event_is_counted_over_all_sockets(world: World) -> None:
    first, second = world.connect("BTC-EUR"), world.connect("ETH-EUR")
    world.go_live(first)
    news = Chatter("news", is_known=False)
    world.say(first, news, Chatter("pong"), book("BTCEUR", 9), Refused("snapshot", "no"))
    world.say(second, news, Trade("BTCEUR", "1", None, 1.0, 1.0), Refused("subscribe", "no", "X"))
    world.say(second, Trade("ETHEUR", "2", None, 1.0, 1.0, None, ("ts_event",)))
    world.say(second, *(MalformedMessage("no price", raw=b"", channel="trades") for _ in range(3)))
    expected = FeedCounts(
        chatter={"pong": 1},
        unknown={"news": 2},
        refused={"snapshot": 1, "subscribe": 1},
        malformed=3,
        malformed_reasons={"trades: no price": 3},
        unread={"trades ts_event": 1},
        not_asked_for=2,
        snapshots_not_asked_for=1,
        snapshots_late=0,
    )
    report = world.write()
    assert expected == report.counts
    assert ["trades"] == report.malformed_channels


def test_the_time_of_the_last_data_is_that_of_the_last_message(world: World) -> None:
    board = world.connect("BTC-EUR")
    assert world.write().last_data_ts is None
    world.say(board, Subscribed("book", ["BTCEUR"]))
    came = world.ts
    assert came == world.write().last_data_ts
    world.later()
    assert came == world.write().last_data_ts


def test_gaps_are_those_of_today(world: World) -> None:
    world.write()
    world.recorded = RecorderView(kinds={"gap": 2})
    assert 2 == world.write().gaps_today
    world.later(86_400)
    assert 0 == world.write().gaps_today
    world.recorded = RecorderView(kinds={"gap": 3})
    assert 1 == world.write().gaps_today


def test_the_journals_are_told_with_those_of_others(world: World, tmp_path: Path) -> None:
    other = Journal.create(tmp_path / "journal" / "toy", SESSION.replace("-a", "-b"))
    for journal in (world.journal, other):
        journal.append(make_frame(0, 3, session=journal.session))
    world.journal.sync()
    report = world.write(journals=[world.journal, other])
    other.close()
    assert (2, world.journal.bytes + other.bytes) == (report.journals, report.journal_bytes)
    assert (0, 3, 3) == (report.journal_base, report.journal_next, report.journal_synced)
    assert (None, 77) == (report.journal_error, report.disk_free_bytes)


def test_a_ban_is_told_with_its_end(world: World) -> None:
    assert world.write().rate_limited_until is None
    assert world.ts + 90 * SECOND == world.write(blocked_s=90.0).rate_limited_until


def test_the_clock_is_reported_as_the_kernel_tells_of_it(world: World) -> None:
    unknown = world.write()
    told = world.write(
        clock=KernelClock(is_synchronised=False, offset_s=0.25, error_s_max=16.0),
        is_on_loopback=True,
    )
    assert [(None, None, None, False), (False, 0.25, 16.0, True)] == [
        (
            report.clock_synchronised,
            report.clock_offset_s,
            report.clock_error_s_max,
            report.is_on_loopback,
        )
        for report in (unknown, told)
    ]
