"""What all books of a connection may hold together."""

import pytest
from msgspec.structs import replace

from shared.feed import bounds as module
from shared.feed.bounds import LOOK_S, Bounds
from tests.support.feeds import SYMBOLS, Desk
from tests.support.toys import book, delta


class World(Desk):
    """Two books whose bounds are small."""

    def __init__(self) -> None:
        super().__init__()
        self.bounds = Bounds(self.books, self.parts.rows)

    def look(self) -> None:
        self.now_s += LOOK_S
        self.bounds.look(self.ts, self.now_s, SYMBOLS)

    def held(self) -> dict[str, int]:
        return {raw_symbol: held for raw_symbol, _, held in self.books.measure() if held}

    def hold(self, raw_symbol: str, count: int) -> None:
        self.books.hold_deltas(raw_symbol)
        for sequence in range(1, count + 1):
            self.books.delta(self.ts, delta(raw_symbol, sequence))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(module, "HELD_ALL_MAX", 10)
    monkeypatch.setattr(module, "LEVELS_MAX", 2)
    return World()


def test_deltas_that_wait_are_forgotten_where_all_books_hold_too_many(world: World) -> None:
    world.hold("BTCEUR", 6)
    world.hold("ETHEUR", 4)
    world.look()
    assert {"BTCEUR": 6, "ETHEUR": 4} == world.held()
    world.books.delta(world.ts, delta("ETHEUR", 5))
    world.look()
    assert {"ETHEUR": 5} == world.held()
    assert not world.books.splice(world.ts, book("BTCEUR", 3))  # too old: it is asked for again
    assert [] == world.tape


def test_more_is_forgotten_until_half_is_free(world: World) -> None:
    world.hold("BTCEUR", 8)
    world.hold("ETHEUR", 7)
    world.look()
    assert {} == world.held()
    world.books.delta(world.ts, delta("BTCEUR", 9))
    assert {"BTCEUR": 1} == world.held()


@pytest.mark.parametrize("side", ["bids", "asks"])
def test_a_book_of_which_no_level_is_ever_removed_begins_anew(world: World, side: str) -> None:
    levels = [(100.0 + number, 1.0) for number in range(4)]
    for raw_symbol in SYMBOLS:
        world.books.replace(world.ts, book(raw_symbol, 10))
    world.books.delta(world.ts, replace(delta("BTCEUR", 11), **{side: levels}))
    world.tape.clear()
    world.look()
    assert [{"reason": "a side gained more than 2 levels"}] == world.details("stale")
    assert [("BTCEUR", "stale")] == world.resyncs
    assert {"ETH-EUR"} == world.books.live()


def test_a_book_that_is_large_from_the_start_goes_on(world: World) -> None:
    levels = [(100.0 + number, 1.0) for number in range(9)]
    world.books.replace(world.ts, replace(book("BTCEUR", 10), asks=levels))
    world.books.delta(world.ts, replace(delta("BTCEUR", 11), asks=[(90.0, 1.0), (91.0, 1.0)]))
    world.look()
    assert [] == world.details("stale")
    assert ["BTC-EUR"] == list(world.books.live())


def test_it_looks_once_a_second(world: World) -> None:
    world.look()
    world.hold("BTCEUR", 11)
    world.bounds.look(world.ts, world.now_s + LOOK_S / 2, SYMBOLS)
    assert {"BTCEUR": 11} == world.held()
