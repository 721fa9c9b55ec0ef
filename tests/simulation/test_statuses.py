"""Markets that halt, hold auctions, come late or write oddly, and what our feeds make of them."""

from pathlib import Path

import pytest

from services.simulator.protocol import OddWriter, TickerOfAll
from shared.event import FeedEvent, Instrument, Row
from shared.feed.board import Board
from shared.feed.names import Names
from shared.ingest.instruments import Instruments
from shared.ingest.listings import Listings
from tests.support.markets import Markets

LIST_S = 60  # between two lists of markets
EXCHANGES = pytest.mark.parametrize("exchange", ["bitvavo", "btcturk"])


class World(Markets):
    """Some markets of which the list is asked for each minute, as an ingest does."""

    def __init__(self, exchange: str, folder: Path, **changes: object) -> None:
        options = {"symbols": 4, "rate": 20.0, **changes}
        super().__init__(exchange, **options)  # type: ignore[arg-type]
        self.rows: list[Row] = []
        self.names = Names(self.declared)
        instruments = Instruments(folder / "instruments.json")
        self.listings = Listings(self, instruments, self.rows.extend, None, has_room=lambda: True)
        self.go_on(30)

    @property
    def boards(self) -> list[Board]:
        return [line.board for line in self.lines]

    def ask_list(self) -> None:
        rest = self.declared.rest
        answer = self.exchange.request(self.exchange.rest_path + rest.markets.path())
        self.listings.take_list(rest.parse_markets(answer.body), self.machine.ts)

    def go_on(self, seconds: int) -> None:
        """Let time pass, a list each minute."""
        for _ in range(seconds // LIST_S + 1):
            self.ask_list()
            self.run(min(seconds, LIST_S))

    def statuses(self) -> list[tuple[str | None, str]]:
        rows = [(symbol, event) for _, symbol, event in self.rows if isinstance(event, FeedEvent)]
        return [(symbol, event.detail) for symbol, event in rows if event.kind == "status"]


@EXCHANGES
def test_a_halt_whose_orders_change_unsaid_ends_the_book_which_begins_anew(
    exchange: str, tmp_path: Path
) -> None:
    world = World(exchange, tmp_path, checkpoint_interval_s=36_000.0)
    market = world.markets[0]
    symbol = market.listing.symbol
    assert ([], 4) == (list(world.wrong_books()), len(world.live()))
    market.is_halted = True
    for _ in range(5):
        world.secrets.lie(market)
    world.go_on(60)
    assert symbol not in world.live()
    assert ["the market is halted"] == [one["reason"] for one in world.details("stale", symbol)]
    market.is_halted = False
    world.go_on(60)
    assert ([], 4) == (list(world.wrong_books()), len(world.live()))
    halted, trading = (detail for whose, detail in world.statuses() if whose == symbol)
    assert '"status":"halted","before":"trading"' in halted
    assert '"status":"trading","before":"halted"' in trading
    assert 0 == world.count("mismatch") + world.count("gap") + world.count("malformed")
    assert [] == world.lost


@EXCHANGES
def test_in_an_auction_changes_are_recorded_and_trading_begins_the_book_anew(
    exchange: str, tmp_path: Path
) -> None:
    world = World(exchange, tmp_path, checkpoint_interval_s=36_000.0)
    market = world.markets[0]
    symbol = market.listing.symbol
    market.is_in_auction = True
    market.cross()
    world.go_on(60)
    assert symbol in world.live()
    assert world.details("crossed", symbol)
    market.is_in_auction = False
    market.uncross()
    world.go_on(60)
    assert ([], 4) == (list(world.wrong_books()), len(world.live()))
    assert ["trading"] == [one["reason"] for one in world.details("resync", symbol)]
    assert 0 == world.count("mismatch") + world.count("gap")
    assert [] == world.lost


@EXCHANGES
def test_however_oddly_what_decorates_is_written_no_event_is_lost(
    exchange: str, tmp_path: Path
) -> None:
    world = World(exchange, tmp_path, checkpoint_interval_s=36_000.0)
    writer = world.exchange
    assert isinstance(writer, OddWriter)
    for market in world.markets:
        writer.write_oddly(market, is_odd=True)
    world.go_on(120)
    assert ([], 4) == (list(world.wrong_books()), len(world.live()))
    assert 0 == sum(world.count(kind) for kind in ("malformed", "gap", "mismatch", "resync"))
    assert any(line.feed.counts.unread for line in world.lines)


def test_tickers_of_all_that_bring_nothing_are_asked_for_one_by_one(tmp_path: Path) -> None:
    world = World("btcturk", tmp_path)
    exchange = world.exchange
    assert isinstance(exchange, TickerOfAll)
    exchange.silence_all(is_silent=True)
    for line in world.lines:  # each begins on a new connection
        assert line.connection is not None
        exchange.closed(line.connection)
        world.take(line.feed.disconnected(world.machine.ts, "reset"))
        line.connection = None
    before = sum(line.feed.counts.read["ticker"] for line in world.lines)
    world.go_on(60)
    assert 4 == len(world.live())  # and each feed shows how it stands
    assert set() == {symbol for line in world.lines for symbol in line.board.feed.refused}
    assert sum(line.feed.counts.read["ticker"] for line in world.lines) > before + 4


def test_a_market_that_is_listed_late_is_taken_within_a_minute(tmp_path: Path) -> None:
    world = World("bitvavo", tmp_path)
    market = world.markets[-1]
    market.is_delisted = True
    for line in world.lines:
        assert line.connection is not None
        world.exchange.closed(line.connection)
        world.take(line.feed.disconnected(world.machine.ts, "reset"))
        line.connection = None
    world.go_on(60)
    assert 3 == len(world.live())
    market.is_delisted = False
    world.go_on(60)
    assert 4 == len(world.live())
    reasons = [event.reason for _, _, event in world.rows if isinstance(event, Instrument)]
    assert ["start"] * 4 + ["delisted", "listed"] == reasons
