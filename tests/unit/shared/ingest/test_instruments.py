"""Which rows lists of markets make, over days and restarts."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from shared.event import FeedEvent, Instrument
from shared.exchange import ListedMarket
from shared.ingest.instruments import Instruments
from tests.support.toys import SECOND, market

NOON = 20_000 * 86_400 * SECOND + 43_200 * SECOND
DAY = 86_400 * SECOND
BTC = replace(market("BTC-EUR"), price_increment=0.01, min_size=0.001, min_notional=5.0, info="{}")
ETH = market("ETH-EUR")


class World:
    """The instruments of one line, in one process after another."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "instruments" / "toy-a.json"
        self.ts = NOON
        self.restart()

    def restart(self) -> None:
        self.instruments = Instruments(self._path)

    def come(self, *markets: ListedMarket) -> list[tuple[str | None, str]]:
        """Let a list come a minute later; return its rows' symbols and reasons or statuses."""
        self.ts += 60 * SECOND
        self.rows = list(self.instruments.update(markets, self.ts))
        assert {self.ts} >= {ts for ts, _, _ in self.rows}
        return [(symbol, self._describe(event)) for _, symbol, event in self.rows]

    @staticmethod
    def _describe(event: Any) -> str:
        if isinstance(event, Instrument):
            return event.reason
        assert isinstance(event, FeedEvent)
        assert "status" == event.kind
        detail = msgspec.json.decode(event.detail)
        return f"{detail['before']} -> {detail['status']} ({detail['raw']})"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


START = [("BTC-EUR", "start"), ("ETH-EUR", "start")]


def test_the_first_list_is_a_row_for_each_market_and_no_status(world: World) -> None:
    halted = replace(ETH, status="halted", raw_status="HALTED")
    assert START == world.come(BTC, halted)
    [(_, _, first), (_, _, second)] = world.rows
    assert isinstance(first, Instrument)
    assert isinstance(second, Instrument)
    assert ("BTCEUR", "BTC", "EUR", 0.01, 0.001, 5.0, "{}") == (
        first.raw_symbol,
        first.base,
        first.quote,
        first.price_increment,
        first.min_size,
        first.min_notional,
        first.info,
    )
    assert ("trading", "halted") == (first.status, second.status)


def test_a_list_that_says_the_same_is_no_row(world: World) -> None:
    world.come(BTC, ETH)
    assert [] == world.come(ETH, BTC)


def test_what_moves_with_the_price_is_no_change_and_neither_is_the_row_itself(
    world: World,
) -> None:
    world.come(BTC, ETH)
    assert [] == world.come(replace(BTC, min_size=0.002, info='{"price":5}'), ETH)
    assert [("ETH-EUR", "changed")] == world.come(BTC, replace(ETH, min_size=0.5))
    assert [("BTC-EUR", "changed")] == world.come(
        replace(BTC, price_increment=0.1), replace(ETH, min_size=0.5)
    )


def test_a_change_of_status_is_a_row_of_its_own_beside_that_of_the_market(world: World) -> None:
    world.come(BTC, ETH)
    halted = replace(BTC, status="halted", raw_status="halted")
    assert [("BTC-EUR", "changed"), ("BTC-EUR", "trading -> halted (halted)")] == world.come(
        halted, ETH
    )
    assert [("BTC-EUR", "changed"), ("BTC-EUR", "halted -> trading ()")] == world.come(BTC, ETH)


def test_a_market_that_comes_or_goes_is_a_row_with_what_is_known_of_it(world: World) -> None:
    world.come(BTC)
    assert [("ETH-EUR", "listed"), ("ETH-EUR", "None -> trading ()")] == world.come(BTC, ETH)
    expected = [("BTC-EUR", "delisted"), ("BTC-EUR", "trading -> delisted (None)")]
    assert expected == world.come(ETH)
    gone = world.rows[0][2]
    assert isinstance(gone, Instrument)
    assert ("delisted", 0.01) == (gone.status, gone.price_increment)
    assert [] == world.come(ETH)


def test_an_empty_list_says_nothing(world: World) -> None:
    assert [] == world.come()
    assert START == world.come(BTC, ETH)
    assert [] == world.come()
    assert [] == world.come(BTC, ETH)


def test_each_utc_day_begins_with_all_of_them(world: World) -> None:
    world.come(BTC, ETH)
    world.ts += DAY
    assert [("BTC-EUR", "day"), ("ETH-EUR", "day")] == world.come(BTC, ETH)
    assert [] == world.come(BTC, ETH)


def test_a_restart_on_the_same_day_writes_what_changed_alone(world: World) -> None:
    world.come(BTC, ETH)
    world.come(BTC, ETH)  # by now the rows of the first are in the journal
    world.restart()
    assert [("BTC-EUR", "changed")] == world.come(replace(BTC, status="halted"), ETH)


def test_a_restart_before_the_second_list_writes_them_once_more(world: World) -> None:
    world.come(BTC, ETH)
    world.restart()
    assert START == world.come(BTC, ETH)


def test_a_restart_on_another_day_begins_with_all_and_tells_what_is_gone(world: World) -> None:
    for _ in range(2):
        world.come(BTC, ETH)
    world.restart()
    world.ts += DAY
    assert [("BTC-EUR", "start"), ("ETH-EUR", "delisted")] == world.come(BTC)


def test_a_file_that_cannot_be_read_is_none(world: World) -> None:
    for _ in range(2):
        world.come(BTC, ETH)
    world._path.write_bytes(b"\x00")
    world.restart()
    assert START == world.come(BTC, ETH)


def test_a_disk_that_refuses_the_file_costs_nothing_else(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.come(BTC, ETH)
    world._path.mkdir(parents=True)
    assert [("BTC-EUR", "changed")] == world.come(replace(BTC, price_increment=1.0), ETH)
    assert "cannot remember the markets" in caplog.text
