"""What an ingest says of itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.delivery.frame import DAY_NS
from shared.delivery.journal import Journal
from shared.event import Refused, Subscribed
from shared.exchange import Message
from shared.feed.board import Board, FeedView, Link
from shared.feed.feed import Feed
from shared.ingest.recorder import RecorderView
from shared.ingest.status import NAMES_MAX, IngestStatus, View
from shared.process.stats import Report, Stats, read
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
        self._said: list[Message] = []
        self.journal = Journal.create(folder / "journal" / "toy", SESSION)
        self.recorded = RecorderView()
        self._path = folder / "status" / "ingest_toy-a.json"
        stats = Stats("ingest_toy-a", clock_ns=lambda: self.ts, monotonic_s=lambda: self.now_s)
        self.status = IngestStatus(stats, self._path)

    def later(self, seconds: int = 1) -> None:
        self.ts += seconds * SECOND
        self.now_s += seconds

    def write(self, **changes: Any) -> Report:
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
            "disk_free": 77,
            "is_paused": False,
            "is_stopping": False,
            "blocked_s": 0.0,
            "rest_error": "",
            "poll_interval_s": None,
        }
        self.status.write(View(**{**values, **changes}))
        report = read(self._path)
        assert report is not None
        return report

    def gauge(self, name: str, **changes: Any) -> Any:
        return self.write(**changes).gauges[name]

    def say(self, board: Board, *messages: Message) -> None:
        """Let the exchange say this on one connection."""
        feed = self._feeds[id(board)]
        for message in messages:
            self._said.append(message)
            feed.receive(self.ts, self.now_s, [b"%d" % (len(self._said) - 1)])
        feed.show()

    def connect(self, *symbols: str, channels: Sequence[str] = ("book",)) -> Board:
        """Add a feed that is connected and has asked for its symbols."""
        exchange = make_exchange(parse=lambda raw: [self._said[int(bytes(raw))]])
        board = make_board(symbols, channels)
        self._feeds[id(board)] = make_feed(exchange, board)
        self.boards.append(board)
        self.up(board)
        return board

    def up(self, board: Board) -> None:
        board.link = Link(is_connected=True, reconnects=board.link.reconnects)
        feed = self._feeds[id(board)]
        feed.connected(self.ts, self.now_s, "ws://127.0.0.1/")
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
    gauges = world.write().gauges
    assert "connecting" == gauges["state"]
    assert ("toy", "a", SESSION) == (gauges["exchange"], gauges["line"], gauges["session"])
    assert (0, 0, 0) == (gauges["symbols"], gauges["connections"], gauges["sockets"])
    assert gauges["unreachable_since"] is None
    assert gauges["poll_interval_s"] is None


def test_with_all_its_books_it_is_live_and_with_some_degraded(world: World) -> None:
    first, second = world.connect("BTC-EUR"), world.connect("ETH-EUR", "XRP-EUR")
    world.go_live(second)
    gauges = world.write().gauges
    assert ("degraded", 3, 2) == (gauges["state"], gauges["symbols"], gauges["live"])
    assert "BTC-EUR" == gauges["waiting"]
    assert (2, 2) == (gauges["connections"], gauges["sockets"])
    world.go_live(first)
    gauges = world.write().gauges
    assert ("live", 3, "") == (gauges["state"], gauges["live"], gauges["waiting"])


def test_the_state_says_since_when(world: World) -> None:
    board = world.connect("BTC-EUR")
    assert world.ts == world.gauge("since")
    since = world.ts
    world.later(5)
    assert since == world.gauge("since")
    world.go_live(board)
    assert world.ts == world.gauge("since")


def test_an_ingest_that_stops_or_has_no_room_says_so_first(world: World) -> None:
    world.go_live(world.connect("BTC-EUR"))
    assert "disk_full" == world.gauge("state", is_paused=True)
    assert "stopping" == world.gauge("state", is_paused=True, is_stopping=True)


def test_an_outage_is_told_with_its_beginning_and_its_reason(world: World) -> None:
    up, down = world.connect("BTC-EUR"), world.connect("ETH-EUR")
    world.go_live(up)
    down.link = Link(down_since_s=world.now_s, error="reset by peer")
    since = world.ts
    world.later(7)
    gauges = world.write(rest_error="busy").gauges
    assert ("connecting", since, "reset by peer") == (
        gauges["state"],
        gauges["unreachable_since"],
        gauges["last_error"],
    )
    assert 1 == gauges["connections"]
    assert world.gauge("unreachable_since", is_paused=True) is None  # we hung up ourselves
    world.up(down)
    gauges = world.write(rest_error="busy").gauges
    assert (None, "busy") == (gauges["unreachable_since"], gauges["last_error"])


def test_refused_symbols_are_told_and_wait_for_nothing(world: World) -> None:
    board = world.connect("BTC-EUR", "ETH-EUR")
    world.say(board, Refused("subscribe", "no", "ETHEUR"))
    gauges = world.write().gauges
    assert ("ETH-EUR", "BTC-EUR") == (gauges["refused"], gauges["waiting"])


def test_a_long_list_of_names_is_cut(world: World) -> None:
    symbols = [f"S{number:02}-EUR" for number in range(NAMES_MAX + 3)]
    world.connect(*symbols)
    assert ", ".join(symbols[:NAMES_MAX]) + " and 3 more" == world.gauge("waiting")


def test_a_symbol_lives_by_its_book_whatever_else_there_is_of_it(world: World) -> None:
    books, tickers = world.connect("BTC-EUR"), world.connect("BTC-EUR", channels=["ticker"])
    world.say(tickers, Subscribed("ticker", ["BTCEUR"]))
    assert "degraded" == world.gauge("state")
    world.go_live(books)
    assert "live" == world.gauge("state")


def test_where_no_books_are_recorded_it_lives_by_its_subscription(world: World) -> None:
    tickers = world.connect("BTC-EUR", channels=["ticker"])
    assert "degraded" == world.gauge("state")
    world.say(tickers, Subscribed("ticker", ["BTCEUR"]))
    assert "live" == world.gauge("state")


def test_polled_books_count_as_well(world: World) -> None:
    board = make_board(["BTC-EUR", "ETH-EUR"], ["book"])
    world.boards.append(board)
    gauges = world.write(poll_interval_s=2.5).gauges
    assert ("connecting", 2, 0, 2.5) == (
        gauges["state"],
        gauges["symbols"],
        gauges["live"],
        gauges["poll_interval_s"],
    )
    board.link = Link(is_connected=True)
    board.feed = FeedView(refused=frozenset(["ETH-EUR"]), messages=5)
    report = world.write()
    assert ("degraded", "ETH-EUR", 1) == (
        report.gauges["state"],
        report.gauges["refused"],
        report.gauges["connections"],
    )
    assert 5 == report.counters["messages_total"]


def test_totals_become_counters_over_all_sockets(world: World) -> None:
    first, second = world.connect("BTC-EUR"), world.connect("ETH-EUR")
    world.say(first, Subscribed("book", ["BTCEUR"]))
    world.say(second, Subscribed("book", ["ETHEUR"]), Subscribed("book", ["ETHEUR"]))
    for board, reconnects in ((first, 2), (second, 3)):
        board.link = Link(is_connected=True, reconnects=reconnects)
    world.recorded = RecorderView(events=3, gaps=2, malformed=1)
    world.write()
    counters = world.write().counters
    expected = {
        "events_total": 3,
        "messages_total": 3,
        "reconnects": 5,
        "malformed_total": 1,
        "gaps_total": 2,
    }
    assert expected == counters


def test_the_time_of_the_last_data_is_that_of_the_last_message(world: World) -> None:
    board = world.connect("BTC-EUR")
    assert "last_data_ts" not in world.write().gauges
    world.say(board, Subscribed("book", ["BTCEUR"]))
    came = world.ts
    assert came == world.gauge("last_data_ts")
    world.later()
    assert came == world.gauge("last_data_ts")


def test_gaps_are_those_of_today(world: World) -> None:
    world.write()
    world.recorded = RecorderView(gaps=2)
    assert 2 == world.gauge("gaps_today")
    world.later(86_400)
    assert 0 == world.gauge("gaps_today")
    world.recorded = RecorderView(gaps=3)
    assert 1 == world.gauge("gaps_today")


def test_the_journals_are_told_with_those_of_others(world: World, tmp_path: Path) -> None:
    other = Journal.create(tmp_path / "journal" / "toy", SESSION.replace("-a", "-b"))
    for journal in (world.journal, other):
        journal.append(make_frame(0, 3, session=journal.session))
    world.journal.sync()
    gauges = world.write(journals=[world.journal, other]).gauges
    other.close()
    assert (2, world.journal.bytes + other.bytes) == (gauges["journals"], gauges["journal_bytes"])
    assert (0, 3, 3) == (gauges["journal_base"], gauges["journal_next"], gauges["journal_synced"])
    assert (None, 77) == (gauges["journal_error"], gauges["disk_free"])


def test_a_ban_is_told_with_its_end(world: World) -> None:
    assert world.gauge("rate_limited_until") is None
    assert world.ts + 90 * SECOND == world.gauge("rate_limited_until", blocked_s=90.0)
