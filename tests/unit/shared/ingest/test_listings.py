"""What a list of markets means for names, feeds and rows."""

import logging
from pathlib import Path

import pytest

from shared.event import Instrument, Row
from shared.exchange import ListedMarket
from shared.feed.names import Names
from shared.ingest.instruments import Instruments
from shared.ingest.listings import Listings
from tests.support.readers import make_board
from tests.support.toys import make_exchange, market


class World:
    """The lists of an exchange, what was recorded of them, and two feeds."""

    def __init__(self, folder: Path, *, is_following: bool) -> None:
        self.rows: list[Row] = []
        self.has_room = True
        self.followed: list[tuple[str, ...]] = []
        self.boards = [make_board(["BTC-EUR", "ETH-EUR"]), make_board(["BTC-EUR"], ["ticker"])]
        self.names = Names(make_exchange(names="list"))
        instruments = Instruments(folder / "instruments.json")
        follow = self.followed.append if is_following else None
        self.listings = Listings(
            self, instruments, self.rows.extend, follow, has_room=lambda: self.has_room
        )

    def come(self, *names: str) -> None:
        """Let a list come; a market with an exclamation mark stands still."""
        markets = [market(name.rstrip("!"), is_trading=not name.endswith("!")) for name in names]
        self.listings.take_list(markets, 1_790_000_000_000_000_000)

    def changes(self) -> list[dict[str, str]]:
        return [dict(board.statuses) for board in self.boards]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, is_following=True)


def test_every_market_of_a_list_is_followed_whatever_its_status(world: World) -> None:
    world.come("ETH-EUR", "BTC-EUR", "XRP-EUR!")
    assert [("BTC-EUR", "ETH-EUR", "XRP-EUR")] == world.followed
    assert {"XRP-EUR"} == world.listings.not_trading
    world.come("ETH-EUR", "XRP-EUR")
    assert ("ETH-EUR", "XRP-EUR") == world.followed[1]
    assert set() == world.listings.not_trading


def test_where_the_symbols_are_configured_a_list_follows_none(tmp_path: Path) -> None:
    world = World(tmp_path, is_following=False)
    world.come("ETH-EUR")
    assert [] == world.followed
    assert world.names.is_known
    assert ["ETH-EUR"] == [symbol for _, symbol, _ in world.rows]


def test_an_empty_list_is_not_the_end_of_all_markets(world: World) -> None:
    world.come("BTC-EUR!")
    world.come()
    world.come("..")
    assert [("BTC-EUR",)] == world.followed
    assert {"BTC-EUR"} == world.listings.not_trading
    assert 1 == len(world.rows)


def test_a_change_of_status_is_told_to_the_feeds_that_have_the_market(world: World) -> None:
    world.come("BTC-EUR", "ETH-EUR", "XRP-EUR")
    assert [{}, {}] == world.changes()
    world.come("BTC-EUR", "ETH-EUR!", "XRP-EUR")
    assert [{"ETH-EUR": "halted"}, {}] == world.changes()
    world.come("BTC-EUR!", "ETH-EUR", "XRP-EUR!")
    halted, trading = {"BTC-EUR": "halted"}, {"ETH-EUR": "trading"}
    assert [halted | trading, halted] == world.changes()


def test_a_feed_is_told_of_a_market_that_stands_still_until_it_knows(world: World) -> None:
    for _ in range(2):
        world.come("BTC-EUR!")
        assert [{"BTC-EUR": "halted"}] * 2 == world.changes()
        for board in world.boards:
            board.statuses.clear()
    world.boards[0].idle.add("BTCEUR")
    world.come("BTC-EUR!")
    assert [{}, {"BTC-EUR": "halted"}] == world.changes()


def test_a_market_that_is_listed_anew_is_told_as_well(world: World) -> None:
    world.come("BTC-EUR")
    world.come("BTC-EUR", "ETH-EUR")
    assert [{"ETH-EUR": "trading"}, {}] == world.changes()


def test_a_market_whose_name_would_be_a_path_is_not_recorded_and_told_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    odd = ["..", "../../x-EUR", "A/B-EUR", "x" * 33 + "-EUR", "-EUR"]
    for _ in range(2):
        world.come(*odd, "BTC-EUR")
    world.come("..")
    assert [("BTC-EUR",)] * 2 == world.followed
    assert ["BTC-EUR"] == [symbol for _, symbol, one in world.rows if isinstance(one, Instrument)]
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [5, 1] == [record.count for record in told]  # type: ignore[attr-defined]


def test_a_market_with_a_raw_name_without_end_is_odd_as_well(world: World) -> None:
    long = ListedMarket(symbol="BTC-EUR", raw_symbol="x" * 65)
    world.listings.take_list([long], 1_790_000_000_000_000_000)
    assert ([], []) == (world.rows, world.followed)


def test_of_what_nobody_takes_each_market_has_the_last_status(world: World) -> None:
    world.come("BTC-EUR")
    for _ in range(3):
        world.come("BTC-EUR!")
        world.come("BTC-EUR")
    assert [{"BTC-EUR": "trading"}] * 2 == world.changes()


def test_without_room_for_its_rows_the_next_list_has_them(world: World) -> None:
    world.come("BTC-EUR")
    world.has_room = False
    world.come("BTC-EUR", "ETH-EUR")
    assert 1 == len(world.rows)
    assert ("BTC-EUR", "ETH-EUR") == world.followed[-1]
    world.has_room = True
    world.come("BTC-EUR", "ETH-EUR")
    assert ["BTC-EUR", "ETH-EUR"] == [
        symbol for _, symbol, event in world.rows if isinstance(event, Instrument)
    ]
